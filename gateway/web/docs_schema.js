// Schemas of the two documents: what a type is called, what its members are, and an example of it.

const NESTING_MAX = 6; // an example of a list of lists ends somewhere

// What a $ref stands for, with what is said beside it.
export function resolve(root, node) {
  if (!node?.$ref) return node ?? {};
  const { $ref, ...beside } = node;
  const target = $ref.slice(2).split("/").reduce((at, name) => at[name], root);
  return { ...resolve(root, target), ...beside };
}

const nameOf = (node) => node?.$ref?.split("/").at(-1);

// "Order", "array of Trade", "integer or null".
export function typeName(root, node) {
  const name = nameOf(node);
  if (name) return name;
  const schema = node ?? {};
  if (schema.oneOf) return schema.oneOf.map((one) => typeName(root, one)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map(String).join(" | ");
  if (schema.type === "array") return schema.prefixItems ? "tuple" : `array of ${typeName(root, schema.items)}`;
  if (schema.format === "binary") return "bytes";
  return [schema.type ?? "anything"].flat().join(" or ");
}

// The schemas with members of their own that are within this one: [{name, schema}].
export function parts(root, node) {
  const schema = resolve(root, node);
  if (schema.oneOf) return schema.oneOf.flatMap((one) => parts(root, one));
  if (schema.type === "array" && !schema.prefixItems) return parts(root, schema.items);
  if (schema.additionalProperties?.$ref) return parts(root, schema.additionalProperties);
  return schema.properties || schema.prefixItems ? [{ name: nameOf(node) ?? "", schema }] : [];
}

// Each member of an object or a tuple: [{name, node, schema, isRequired}].
export function members(root, schema) {
  if (schema.prefixItems) {
    return schema.prefixItems.map((node, index) => ({ name: `[${index}]`, node, schema: resolve(root, node), isRequired: true }));
  }
  return Object.entries(schema.properties ?? {}).map(([name, node]) =>
    ({ name, node, schema: resolve(root, node), isRequired: (schema.required ?? []).includes(name) }));
}

function exampleOfText(schema) {
  if (schema.format === "binary") return "…";
  return schema.pattern ? "…" : "text";
}

// What an answer of this schema may look like. What may be missing is shown as well.
export function example(root, node, depth = 0) {
  const schema = resolve(root, node);
  if (schema.examples) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.oneOf) return example(root, schema.oneOf[0], depth);
  const type = [schema.type].flat()[0];
  if (type === "array") return exampleOfList(root, schema, depth);
  if (type === "object") return exampleOfObject(root, schema, depth);
  if (type === "integer" || type === "number") return schema.default ?? 1;
  if (type === "boolean") return schema.default ?? true;
  return type === "string" ? exampleOfText(schema) : null;
}

function exampleOfList(root, schema, depth) {
  if (schema.prefixItems) return schema.prefixItems.map((item) => example(root, item, depth + 1));
  if (schema.maxItems === 0 || depth > NESTING_MAX) return [];
  return [example(root, schema.items, depth + 1)];
}

function exampleOfObject(root, schema, depth) {
  if (depth > NESTING_MAX) return {};
  if (schema.additionalProperties?.$ref) return { "…": example(root, schema.additionalProperties, depth + 1) };
  return Object.fromEntries(members(root, schema).map(({ name, node }) => [name, example(root, node, depth + 1)]));
}
