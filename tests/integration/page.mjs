// The modules of gateway/web. Older versions of Node do not take them for modules by their names, so they get the text.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './exchange.mjs';

const load = (name) => import(`data:text/javascript,${encodeURIComponent(readFileSync(join(root, 'gateway/web', name), 'utf8'))}`);

export const { readYaml } = await load('yaml.js');
export const { example } = await load('docs_schema.js');
