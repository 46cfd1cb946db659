/** The page of all options, made of what their docstrings say. */
import {
  type DeclarationReflection,
  type ParameterReflection,
  type ProjectReflection,
  ReferenceType,
  ReflectionKind,
  type SomeType,
} from "typedoc";
import { pageOfModule } from "./exported-modules.ts";

interface Option {
  readonly name: string;
  readonly isOptional: boolean;
  readonly type: string;
  /** What its docstring says. */
  readonly text: string;
}

/** What these are for, where nothing else is said. */
const USUAL: ReadonlyMap<string, string> = new Map([
  ["client", "The plain client of the AWS SDK."],
  ["runtime", "Clock, chance and waiting, for tests. Default: the system's."],
  ["signal", "Gives up when it is aborted."],
]);

/** A section for each module, with the options of its functions, and then those of methods. */
export function optionsPage(project: ProjectReflection): string {
  const sections = (project.children ?? []).flatMap((module) => {
    const shown = new Set<string>();
    const tables = [...functionTables(module, shown), ...methodTables(module, shown)];
    return tables.length === 0
      ? []
      : [`## ${module.name}`, ...tables.map((table) => renderTable(table, pageOfModule(module.name)))];
  });
  return [
    "# Options",
    "All options of all packages, as their docstrings have them: functions first, then the options of methods. Names end in their unit.",
    ...sections,
    "",
  ].join("\n\n");
}

interface Table {
  readonly title: string;
  readonly options: readonly Option[];
}

function functionTables(module: DeclarationReflection, shown: Set<string>): Table[] {
  return childrenOf(module, ReflectionKind.Function).flatMap((fn) => {
    const parameters = fn.signatures?.flatMap((signature) => signature.parameters ?? []) ?? [];
    const given = parameters.filter(isOptions);
    for (const { type } of given) for (const name of namesIn(type)) shown.add(name);
    const options = distinct(given.flatMap(({ type }) => propertiesOf(type)));
    return options.length === 0 ? [] : [{ title: `${fn.name}()`, options }];
  });
}

function methodTables(module: DeclarationReflection, shown: ReadonlySet<string>): Table[] {
  const types = childrenOf(module, ReflectionKind.Interface | ReflectionKind.TypeAlias);
  return types.flatMap((type) => {
    if (!type.name.endsWith("Options") || shown.has(type.name)) return [];
    const options = distinct(ownProperties(type));
    return options.length === 0 ? [] : [{ title: type.name, options }];
  });
}

function childrenOf(module: DeclarationReflection, kind: ReflectionKind): DeclarationReflection[] {
  return (module.children ?? []).filter((child) => child.kindOf(kind));
}

/** An object of options, by its name or that of its type. */
function isOptions({ name, type }: ParameterReflection): boolean {
  return (
    name === "options" ||
    name === "__namedParameters" ||
    namesIn(type).some((named) => /(?:Options|Definition)$/.test(named))
  );
}

/** The names of the types that a type is put together from. */
function namesIn(type: SomeType | undefined): string[] {
  if (type instanceof ReferenceType) {
    const within = type.reflection?.isDeclaration() === true ? namesIn(type.reflection.type) : [];
    return [type.name, ...within, ...(type.typeArguments ?? []).flatMap(namesIn)];
  }
  return type?.type === "intersection" || type?.type === "union" ? type.types.flatMap(namesIn) : [];
}

function propertiesOf(type: SomeType | undefined): Option[] {
  if (type?.type === "intersection" || type?.type === "union") return type.types.flatMap(propertiesOf);
  if (type?.type === "reflection") return ownProperties(type.declaration);
  if (!(type instanceof ReferenceType)) return [];
  if (type.reflection?.isDeclaration() === true) return ownProperties(type.reflection);
  const [base, keys] = type.typeArguments ?? [];
  const named = new Set(keys?.toString().match(/(?<=")[^"]+(?=")/g));
  const options = propertiesOf(base);
  if (type.name === "Pick") return options.filter(({ name }) => named.has(name));
  if (type.name === "Omit") return options.filter(({ name }) => !named.has(name));
  return options;
}

function ownProperties(reflection: DeclarationReflection): Option[] {
  const children = (reflection.children ?? []).map((child): Option => {
    const comment = child.comment ?? child.signatures?.[0]?.comment ?? child.getSignature?.comment;
    return {
      name: child.name,
      isOptional: child.flags.isOptional,
      type: child.signatures === undefined ? (child.type?.toString() ?? "") : "function",
      text: (comment?.summary ?? [])
        .map(({ text }) => text)
        .join("")
        .replaceAll(/\s+/g, " ")
        .trim(),
    };
  });
  return [...children, ...propertiesOf(reflection.type)];
}

/** Alternatives of a type may have the same option: the one that says most stands for all. */
function distinct(options: readonly Option[]): Option[] {
  const byName = new Map<string, Option>();
  for (const option of options) {
    if (option.type === "undefined" || option.text.length < (byName.get(option.name)?.text.length ?? 0))
      continue;
    byName.set(option.name, option);
  }
  return [...byName.values()];
}

/** What a docstring says without the default, and the default. */
function saidOf(text: string, isOptional: boolean): [said: string, fallback: string] {
  const [, marked] = /(`[^`]+`) \(default\)/.exec(text) ?? [];
  const [, named] = /\bdefault:? ((?:`[^`]*`|"[^"]*"|[^;.:()`"]|\.(?=\d))+)/i.exec(text) ?? [];
  const fallback = marked ?? named?.trim();
  const said = [` Default ${fallback}.`, ` Default: ${fallback}.`].reduce(
    (left, end) => left.replace(end, ""),
    text,
  );
  return [said, isOptional ? (fallback ?? "none") : "required"];
}

function renderTable({ title, options }: Table, file: string): string {
  const rows = options.map(({ name, isOptional, type, text }) => {
    const [known, fallback] = saidOf(text === "" ? (USUAL.get(name) ?? "") : text, isOptional);
    return [`\`${name}\``, fallback, known, `\`${shortened(type)}\``].map(escaped).join(" | ");
  });
  const head = ["| option | default | what it says | type |", "|---|---|---|---|"];
  return [
    `### [${title}](${file}#${title.replace("()", "").toLowerCase()})`,
    "",
    ...head,
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}

/** Long types are on the page of the API. */
function shortened(type: string): string {
  const known = type.replaceAll(/ \| undefined\b|\bundefined \| /g, "");
  return known.length > 48 ? `${known.slice(0, 46)} …` : known;
}

function escaped(cell: string): string {
  return cell.replaceAll("|", String.raw`\|`).replaceAll(/(?<!`[^`]*)</g, "&lt;");
}
