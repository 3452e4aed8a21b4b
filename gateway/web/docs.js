// The page at /docs: draws docs/api/openapi.yaml and docs/api/asyncapi.yaml. Each entry is drawn when it is opened.

import { example, members, parts, resolve, typeName } from "./docs_schema.js";
import { readYaml } from "./yaml.js";

const METHODS = ["get", "post", "put", "delete"];
const SHOWN_MAX = 20000; // characters of an answer
const HEARD_MAX = 5; // messages of a stream
const OPEN_TO_ALL = "NONE";

const byId = (id) => document.getElementById(id);

// element("a", {href: "/"}, "text", child, …)
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

// Text in which `code` is marked.
function prose(text) {
  return (text ?? "").split("`").map((piece, index) => (index % 2 ? element("code", {}, piece) : piece));
}

async function fetchDocument(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return readYaml(await answer.text());
}

// ---- Entries: {id, group, badge, title, summary, words, draw()} ----

const securityOf = (operation) => Object.keys(operation.security?.[0] ?? {})[0] ?? OPEN_TO_ALL;

function routesOf(api) {
  return Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method: method.toUpperCase(), operation: item[method] })));
}

function entryOfRoute(api, { path, method, operation }) {
  return {
    id: operation.operationId, group: operation.tags[0], badge: method, title: path, summary: operation.summary,
    note: securityOf(operation) === OPEN_TO_ALL ? "" : securityOf(operation),
    words: `${operation.operationId} ${operation.description ?? ""} ${(operation.parameters ?? []).map((one) => resolve(api, one).name).join(" ")}`,
    draw: () => drawRoute(api, path, method, operation),
  };
}

function entryOfChannel(api, key, channel) {
  const isStream = !channel.address.startsWith("/");
  return {
    id: `stream-${key}`, group: "Streams", badge: "WS", title: channel.address, summary: channel.title, note: "",
    words: `stream ${Object.keys(channel.messages).join(" ")}`,
    draw: () => drawChannel(api, channel, isStream),
  };
}

function entryOfMethod(name, route, entry) {
  return {
    id: `ws-${name}`, group: "WebSocket API", badge: "CALL", title: name, summary: entry.summary, note: entry.note, words: route,
    draw: () => [element("p", {}, "The parameters and the answer of ", element("a", { href: `#${entry.id}` }, route),
                         ", at ", element("code", {}, "/ws-api/v3"), ":"),
                 code(inLines({ id: 1, method: name, params: { "…": "…" } }))],
  };
}

// A method that no route answers.
function entryOfOwn(api, name, operation) {
  const parameters = operation["x-parameters"] ?? [];
  const isSigned = operation["x-security"] !== OPEN_TO_ALL;
  return {
    id: `ws-${name}`, group: "WebSocket API", badge: "CALL", title: name, summary: operation.title, note: isSigned ? operation["x-security"] : "",
    words: parameters.map((one) => one.name).join(" "),
    draw: () => [element("p", { class: "note" }, `Weight ${operation["x-weight"]}. `, isSigned ? "Signed: apiKey, timestamp and signature." : "Not signed."),
                 parameters.length ? parameterTable(api, parameters) : "", heading(`Result: ${typeName(api, operation["x-result"])}`),
                 code(inLines(example(api, operation["x-result"]))), ...drawSchema(api, operation["x-result"])],
  };
}

function entriesOf(rest, streams) {
  const routes = routesOf(rest).map((route) => entryOfRoute(rest, route));
  const byRoute = new Map(routes.map((entry) => [`${entry.badge} ${entry.title}`, entry]));
  const channels = Object.entries(streams.channels).map(([key, channel]) => entryOfChannel(streams, key, channel));
  const methods = Object.entries(streams.operations).filter(([, operation]) => operation["x-route"])
    .map(([name, operation]) => entryOfMethod(name, operation["x-route"], byRoute.get(operation["x-route"])));
  const own = Object.entries(streams.operations).filter(([, operation]) => operation["x-result"])
    .map(([name, operation]) => entryOfOwn(streams, name, operation));
  return [...routes, ...channels, ...methods, ...own];
}

// JSON in lines, with short lists of plain values in one.
function inLines(value) {
  return JSON.stringify(value, null, 2).replace(/\[\s+([^[\]{}]{0,200}?)\s+\]/g, (_, inner) => `[${inner.replace(/\s*\n\s*/g, " ")}]`);
}

// ---- What an entry shows ----

const heading = (text) => element("h4", {}, text);
const code = (text) => element("pre", { tabindex: "0" }, element("code", {}, text));

function table(caption, columns, rows) {
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, ...[cell].flat()))));
  return element("div", { class: "wide" }, element("table", {}, element("caption", { class: "hidden" }, caption),
                                                   element("thead", {}, head), element("tbody", {}, ...body)));
}

const nameCell = (name, isRequired) =>
  [element("code", { class: "name" }, name), isRequired ? element("span", { class: "needed" }, "required") : null].filter(Boolean);

function parameterTable(api, parameters) {
  return table("Parameters", ["Parameter", "Type", "Meaning"], parameters.map((parameter) => {
    const schema = resolve(api, parameter.schema);
    const more = [schema.default === undefined ? null : `Default ${schema.default}.`,
                  parameter.in === "query" ? null : `In the ${parameter.in}.`].filter(Boolean).join(" ");
    return [nameCell(parameter.name, parameter.required), choices(api, parameter.schema),
            prose([parameter.description, more].filter(Boolean).join(" "))];
  }));
}

// A type, and the words it may be.
function choices(api, node) {
  const schema = resolve(api, node);
  const name = element("span", { title: node.$ref && schema.description }, typeName(api, node));
  return schema.enum && node.$ref ? [name, element("small", {}, schema.enum.join(" "))] : [name];
}

function memberTable(api, name, schema) {
  return table(name, ["Member", "Type", "Meaning"], members(api, schema).map((member) =>
    [nameCell(member.name, false), [...choices(api, member.node), member.isRequired ? "" : element("small", {}, "may be missing")],
     prose(member.node.description ?? "")]));
}

// A schema's members, and below them those of the schemas within it, each once.
function drawSchema(api, node, seen = new Set()) {
  const drawn = [];
  for (const { name, schema } of parts(api, node)) {
    if (seen.has(name || schema)) continue;
    seen.add(name || schema);
    if (name) drawn.push(element("h5", {}, name));
    if (schema.description) drawn.push(element("p", { class: "note" }, ...prose(schema.description)));
    drawn.push(memberTable(api, name, schema));
    for (const member of members(api, schema)) drawn.push(...drawSchema(api, member.node, seen));
  }
  return drawn;
}

// ---- Routes ----

function exampleTarget(api, path, operation) {
  const given = (operation.parameters ?? []).map((one) => resolve(api, one)).filter((one) => one.example !== undefined);
  const query = new URLSearchParams(given.filter((one) => one.in === "query").map((one) => [one.name, one.example])).toString();
  const target = given.filter((one) => one.in === "path").reduce((at, one) => at.replace(`{${one.name}}`, one.example), path);
  return query ? `${target}?${query}` : target;
}

// The example of a body: [type, text], or nothing.
function bodyOf(operation) {
  const [[type, content] = []] = Object.entries(operation.requestBody?.content ?? {});
  return type && [type, content.example];
}

function curlOf(api, method, target, operation) {
  const scheme = api.components.securitySchemes[securityOf(operation)];
  const isSigned = (operation.parameters ?? []).some((one) => resolve(api, one).name === "signature");
  const signed = isSigned ? `${target.includes("?") ? "&" : "?"}timestamp=…&signature=…` : "";
  const header = scheme ? ` -H '${scheme.name}: …'` : "";
  const [type, body] = bodyOf(operation) ?? [];
  const data = type ? ` -H 'Content-Type: ${type}' --data-binary '${body}'` : "";
  return `curl${method === "GET" ? "" : ` -X ${method}`}${header}${data} '${location.origin}${target}${signed}'`;
}

function drawRoute(api, path, method, operation) {
  const security = securityOf(operation);
  const scheme = api.components.securitySchemes[security];
  const target = exampleTarget(api, path, operation);
  const parameters = (operation.parameters ?? []).map((one) => resolve(api, one));
  const drawn = [
    operation.description ? element("p", {}, ...prose(operation.description)) : null,
    element("p", { class: "note" }, `Weight ${operation["x-weight"]}. `, ...prose(scheme ? `${security}: ${scheme.description}` : "For everybody.")),
    heading("Request"), code(curlOf(api, method, target, operation)),
    method === "GET" && !scheme ? runner(target) : null,
    operation.requestBody ? element("p", {}, ...prose(operation.requestBody.description)) : null,
    parameters.length ? parameterTable(api, parameters) : null,
  ];
  for (const [status, answer] of Object.entries(operation.responses)) drawn.push(...drawAnswer(api, status, resolve(api, answer)));
  return drawn.filter(Boolean);
}

function drawAnswer(api, status, answer) {
  const [[type, content] = []] = Object.entries(answer.content ?? {});
  if (status === "default") return [heading("Refusals"), element("p", {}, ...prose(answer.description)), code('{"code":-1102,"msg":"…"}')];
  if (type !== "application/json") return [heading(`Answer ${status}`), element("p", {}, type)];
  const shown = [heading(`Answer ${status}: ${typeName(api, content.schema)}`)];
  const description = resolve(api, content.schema).description;
  if (description && parts(api, content.schema).length === 0) shown.push(element("p", {}, ...prose(description)));
  return [...shown, code(inLines(example(api, content.schema))), ...drawSchema(api, content.schema)];
}

// Asks this node, and shows what it says.
function runner(target) {
  const button = element("button", { type: "button" }, "Send it");
  const answer = element("div", { class: "live", "aria-live": "polite" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const response = await fetch(target, { cache: "no-store" });
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.includes("json");
      const shown = isJson ? inLines(JSON.parse(text)) : text;
      answer.replaceChildren(element("p", { class: "note" }, `This node says ${response.status}`), code(shown.slice(0, SHOWN_MAX)));
    } catch (error) {
      answer.replaceChildren(element("p", { class: "note" }, `No answer: ${error.message}`));
    }
    button.disabled = false;
  });
  return element("div", { class: "run" }, button, answer);
}

// ---- Streams ----

function exampleStream(api, channel) {
  return Object.entries(channel.parameters ?? {}).reduce((at, [name, one]) =>
    at.replace(`{${name}}`, resolve(api, one).examples[0]), channel.address);
}

function drawChannel(api, channel, isStream) {
  const stream = exampleStream(api, channel);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const url = `${scheme}://${location.host}${isStream ? `/ws/${stream}` : channel.address}`;
  const drawn = [channel.description ? element("p", {}, ...prose(channel.description)) : null, heading("Opened at"), code(url),
                 isStream ? listener(url) : null];
  for (const [name, message] of Object.entries(channel.messages)) {
    const { payload } = resolve(api, message);
    drawn.push(heading(`Message ${name}`), code(inLines(example(api, payload))), ...drawSchema(api, payload));
  }
  return drawn.filter(Boolean);
}

// Listens to a stream until it is told to stop, or its entry is closed.
function listener(url) {
  const button = element("button", { type: "button" }, "Listen");
  const heard = element("div", { class: "live", "aria-live": "off" });
  let socket = null;
  const stop = () => {
    socket?.close();
    socket = null;
    button.textContent = "Listen";
  };
  const listen = () => {
    socket = new WebSocket(url);
    button.textContent = "Stop";
    heard.replaceChildren(element("p", { class: "note" }, "Waiting for the next message…"));
    socket.onmessage = (event) => {
      heard.prepend(code(inLines(JSON.parse(event.data)).slice(0, SHOWN_MAX)));
      while (heard.children.length > HEARD_MAX) heard.lastChild.remove();
    };
    socket.onclose = stop;
  };
  button.addEventListener("click", () => (socket ? stop() : listen()));
  return element("div", { class: "run" }, button, heard);
}

// ---- The page ----

function drawEntry(entry) {
  const title = element("summary", {}, element("span", { class: "badge", "data-method": entry.badge }, entry.badge),
                        element("code", { class: "path" }, entry.title), element("span", { class: "summary" }, entry.summary),
                        entry.note ? element("span", { class: "security" }, entry.note) : null);
  const body = element("div", { class: "body" });
  const drawn = element("details", { class: "panel entry", id: entry.id }, title, body);
  drawn.addEventListener("toggle", () => {
    if (drawn.open && body.children.length === 0) body.append(...entry.draw());
  });
  entry.text = `${entry.badge} ${entry.title} ${entry.summary} ${entry.words}`.toLowerCase();
  entry.element = drawn;
  return drawn;
}

function drawGroup(name, description, entries) {
  const id = `group-${name.toLowerCase().replaceAll(" ", "-")}`;
  const group = element("section", { class: "group", id, "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, name),
                        element("p", { class: "note" }, description), ...entries.map(drawEntry));
  const link = element("a", { href: `#${id}` }, name, element("span", {}, String(entries.length)));
  byId("content").append(group);
  byId("contents").append(link);
  return { group, link, entries };
}

// What is looked for must be in an entry, each word of it.
function applyFilter(groups, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  byId("about").hidden = words.length > 0;
  for (const { group, link, entries } of groups) {
    let shown = 0;
    for (const entry of entries) {
      entry.element.hidden = !words.every((word) => entry.text.includes(word));
      shown += entry.element.hidden ? 0 : 1;
    }
    group.hidden = shown === 0;
    link.hidden = shown === 0;
    link.lastChild.textContent = String(shown);
  }
}

function openNamed() {
  const named = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  if (!named) return;
  if (named.matches("details")) named.open = true;
  named.scrollIntoView();
}

function drawAbout(rest, streams) {
  byId("about").replaceChildren(element("h2", {}, "REST"), element("p", {}, ...prose(rest.info.description)),
                                element("h2", {}, "Streams and WebSocket API"), element("p", {}, ...prose(streams.info.description)));
  byId("about").removeAttribute("aria-busy");
}

async function start() {
  const [rest, streams] = await Promise.all([fetchDocument("/docs/openapi.yaml"), fetchDocument("/docs/asyncapi.yaml")]);
  const entries = entriesOf(rest, streams);
  const names = [...rest.tags, { name: "Streams", description: "What this node sends as it happens." },
                 { name: "WebSocket API", description: "The routes above as calls over one connection." }];
  drawAbout(rest, streams);
  const groups = names.map(({ name, description }) =>
    drawGroup(name, description, entries.filter((entry) => entry.group === name)));
  byId("filter").addEventListener("input", (event) => applyFilter(groups, event.target.value));
  addEventListener("hashchange", openNamed);
  openNamed();
}

start().catch((error) => byId("about").replaceChildren(element("p", {}, `The documents cannot be shown: ${error.message}`)));
