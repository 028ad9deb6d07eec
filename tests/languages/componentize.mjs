// node componentize.mjs SOURCE WIT OUTPUT, in a directory whose node_modules has componentize-js.
import { readFile, writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const [source, wit, output] = process.argv.slice(2);
const { component } = await componentize(await readFile(source, 'utf8'), {
  witWorld: await readFile(wit, 'utf8'),
  worldName: 'module',
  disableFeatures: ['fetch-event'],
});
await writeFile(output, component);
