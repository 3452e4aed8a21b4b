// The part of YAML in which docs/api is written: mappings and lists by indentation, {…} and […] within a line, plain and
// quoted scalars, `>-` for a text of several lines, comments on lines of their own. Anything else is an error with its line.
// tests/integration/documents.test.mjs compares with a whole YAML reader.

export function readYaml(text) {
  const lines = [];
  text.split("\n").forEach((line, index) => {
    const content = line.trimStart();
    if (content !== "" && !content.startsWith("#")) {
      lines.push({ indent: line.length - content.length, text: content.trimEnd(), number: index + 1 });
    }
  });
  const reader = { lines, at: 0 };
  const value = readBlock(reader, 0);
  if (reader.at < lines.length) fail(lines[reader.at], "belongs to nothing");
  return value;
}

function fail(line, why) {
  throw new Error(`line ${line.number} ${why}: ${line.text}`);
}

function readBlock(reader, indent) {
  return /^- /.test(reader.lines[reader.at].text) ? readList(reader, indent) : readMapping(reader, indent);
}

const isAt = (reader, indent) => reader.at < reader.lines.length && reader.lines[reader.at].indent === indent;

function readList(reader, indent) {
  const list = [];
  while (isAt(reader, indent)) {
    const line = reader.lines[reader.at];
    if (!line.text.startsWith("- ")) fail(line, "is no item");
    if (splitKey(line.text.slice(2)) && !/^['"{[]/.test(line.text.slice(2))) {
      // A mapping that begins behind its dash: as if it stood on a line of its own.
      reader.lines[reader.at] = { ...line, indent: indent + 2, text: line.text.slice(2) };
      list.push(readMapping(reader, indent + 2));
    } else {
      list.push(readInline(line, line.text.slice(2)));
      reader.at++;
    }
  }
  return list;
}

function readMapping(reader, indent) {
  const mapping = {};
  while (isAt(reader, indent)) {
    const line = reader.lines[reader.at];
    const pair = splitKey(line.text) ?? fail(line, "has no key");
    if (Object.hasOwn(mapping, pair.key)) fail(line, "is there twice");
    reader.at++;
    mapping[pair.key] = pair.rest === "" ? readBelow(reader, line) : pair.rest === ">-" ? readFolded(reader, indent)
                                                                                            : readInline(line, pair.rest);
  }
  return mapping;
}

function readBelow(reader, parent) {
  const next = reader.lines[reader.at];
  if (!next || next.indent <= parent.indent) fail(parent, "has no value");
  return readBlock(reader, next.indent);
}

function readFolded(reader, indent) {
  const words = [];
  while (reader.at < reader.lines.length && reader.lines[reader.at].indent > indent) words.push(reader.lines[reader.at++].text);
  return words.join(" ");
}

// `key: rest`, or null. A key may be quoted.
function splitKey(text) {
  const match = /^(?:'([^']*)'|"([^"\\]*)"|([^'"{[\s][^:]*)):(?: +(.*))?$/.exec(text);
  return match && { key: match[1] ?? match[2] ?? match[3], rest: match[4] ?? "" };
}

// A scalar, or a collection that ends on its line.
function readInline(line, text) {
  const cursor = { line, text, at: 0 };
  const value = /^[[{'"]/.test(text) ? readFlow(cursor) : scalarOf(text);
  if (/^[[{'"]/.test(text) && cursor.at !== text.length) fail(line, "goes on behind its value");
  return value;
}

function readFlow(cursor) {
  skipSpaces(cursor);
  switch (cursor.text[cursor.at]) {
  case "{": return readFlowMapping(cursor);
  case "[": return readFlowList(cursor);
  case '"':
  case "'": return readQuoted(cursor);
  default: return scalarOf(readPlain(cursor, /[,\]}]/));
  }
}

function skipSpaces(cursor) {
  while (cursor.text[cursor.at] === " ") cursor.at++;
}

function readFlowList(cursor) {
  const list = [];
  cursor.at++;
  for (skipSpaces(cursor); cursor.text[cursor.at] !== "]"; nextItem(cursor, "]")) list.push(readFlow(cursor));
  cursor.at++;
  return list;
}

function readFlowMapping(cursor) {
  const mapping = {};
  cursor.at++;
  for (skipSpaces(cursor); cursor.text[cursor.at] !== "}"; nextItem(cursor, "}")) {
    const key = /['"]/.test(cursor.text[cursor.at]) ? readQuoted(cursor) : readPlain(cursor, /[:,{}]/);
    if (cursor.text.slice(cursor.at, cursor.at + 2) !== ": ") fail(cursor.line, "has a key without a value");
    cursor.at += 2;
    mapping[key] = readFlow(cursor);
  }
  cursor.at++;
  return mapping;
}

function nextItem(cursor, end) {
  skipSpaces(cursor);
  if (cursor.text[cursor.at] === ",") cursor.at++;
  else if (cursor.text[cursor.at] !== end) fail(cursor.line, `lacks ${end}`);
  skipSpaces(cursor);
}

function readPlain(cursor, end) {
  const length = cursor.text.slice(cursor.at).search(end);
  if (length < 0) fail(cursor.line, "does not end");
  const text = cursor.text.slice(cursor.at, cursor.at + length);
  cursor.at += length;
  return text.trim();
}

const escapes = { n: "\n", t: "\t", "\"": "\"", "\\": "\\" };

function readQuoted(cursor) {
  const pattern = cursor.text[cursor.at] === "'" ? /'((?:[^']|'')*)'/y : /"((?:[^"\\]|\\["\\nt])*)"/y;
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text) ?? fail(cursor.line, "has a quote that does not end");
  cursor.at = pattern.lastIndex;
  return match[0][0] === "'" ? match[1].replaceAll("''", "'") : match[1].replace(/\\(.)/g, (_, letter) => escapes[letter]);
}

const words = new Map([["true", true], ["false", false], ["null", null]]);

function scalarOf(text) {
  if (words.has(text)) return words.get(text);
  return /^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(text) ? Number(text) : text;
}
