// node call.mjs MODULE: calls what `jco transpile` made of a Marine module.
const { api } = await import(process.argv[2]);
console.log(JSON.stringify([
  api.echoString('tea 🦀'),
  api.echoU64(18446744073709551615n).toString(),
  api.echoPerson({ name: 'Ann', age: 255, nickNames: ['A'] }),
  api.echoColor('deep-blue'),
  Array.from(api.echoBytes(new Uint8Array([0, 255]))),
]));
