import { Compile, parse } from "velocityjs";

/** What a mapping template is rendered with. */
export interface TemplateInput {
  /** Of the request, or of the response of the integration. */
  readonly body: string;
  readonly params: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, string | number>>;
}

export interface RenderedTemplate {
  readonly text: string;
  /** What the template has set as the status of the response. */
  readonly status: number | undefined;
}

/**
 * Renders a mapping template of API Gateway, with the parts of its `$input`, `$context` and `$util` that ours use, as documented:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */
export function renderTemplate(template: string, { body, params, context }: TemplateInput): RenderedTemplate {
  const responseOverride: { status?: number } = {};
  const text = new Compile(parse(template), {
    customMethodHandlers: JAVA_STRINGS,
    env: "development",
  }).render({
    input: {
      params: (name: string) => params[name],
      json: (path: string) => JSON.stringify(valueAt(body, path)),
      path: (path: string) => valueAt(body, path),
    },
    context: { ...context, responseOverride },
    util: { escapeJavaScript },
  });
  return { text, status: responseOverride.status };
}

/** By the JSONPath `$` or `$.name`. */
function valueAt(body: string, path: string): unknown {
  const value: unknown = JSON.parse(body);
  const name = /^\$\.(\w+)$/.exec(path)?.[1];
  if (name === undefined && path !== "$") throw new TypeError(`The JSONPath ${path} is not known here.`);
  return name === undefined ? value : (value as Record<string, unknown>)[name];
}

/** As StringEscapeUtils of Apache Commons: both quotes, slashes, control characters and all that is not ASCII. */
function escapeJavaScript(text: string): string {
  return text.replaceAll(/['"\\/]|[^\x20-\x7e]/g, (character) => {
    const short = SHORT_ESCAPES.get(character);
    if (short !== undefined) return short;
    const code = character.charCodeAt(0);
    return code >= 0x20 && code <= 0x7e
      ? `\\${character}`
      : `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

const SHORT_ESCAPES = new Map([
  ["\b", "\\b"],
  ["\n", "\\n"],
  ["\t", "\\t"],
  ["\f", "\\f"],
  ["\r", "\\r"],
]);

/** Strings are Java's in a template: what is replaced is a regular expression, and what matches matches as a whole. */
const STRING_METHODS: Readonly<Record<string, (text: string, ...args: [string, string]) => unknown>> = {
  replaceAll: (text, pattern, replacement) => text.replaceAll(new RegExp(pattern, "g"), replacement),
  matches: (text, pattern) => new RegExp(`^(?:${pattern})$`).test(text),
  substring: (text, from) => text.substring(Number(from)),
  concat: (text, more) => text + more,
  endsWith: (text, end) => text.endsWith(end),
};

interface MethodCall {
  readonly property: string | number;
  readonly context: unknown;
  readonly params: unknown[];
}

const JAVA_STRINGS = [
  {
    uid: "java.lang.String",
    match: ({ context }: MethodCall): boolean => typeof context === "string",
    resolve: ({ context, property, params }: MethodCall): unknown => {
      const method = STRING_METHODS[property];
      if (method === undefined) throw new TypeError(`The method ${property} is not known here.`);
      return method(String(context), ...(params as [string, string]));
    },
  },
];
