// What `marine:host/log` offers, for modules of Marine that run elsewhere: records go to standard error.
export const filter = () => 'info';
export const write = (level, target, bits, message) => console.error(`${level} ${target}: ${message}`);
