import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { PermitsStack, type PermitsStackProps } from "../src/infrastructure/permits-stack.ts";

/** A resource of a CloudFormation template. */
export interface Resource {
  readonly Type: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever CloudFormation has
  readonly Properties: any;
  readonly DeletionPolicy?: string;
}

/** A stack as it would be deployed. */
export interface SynthesizedStack {
  readonly template: Template;
  readonly resources: Readonly<Record<string, Resource>>;
  /** The folder of the cloud assembly: the template, and the code of the functions. */
  readonly folder: string;
}

/** Synthesises the stack in this process; `validates`: and compares it with the schemas of CloudFormation, which takes seconds. */
export function synthesizeStack({
  validates = false,
  ...props
}: Partial<PermitsStackProps> & { readonly validates?: boolean } = {}): SynthesizedStack {
  const folder = mkdtempSync(join(tmpdir(), "permits-cdk-"));
  const app = new App({ outdir: folder, builtinCloudFormationValidation: validates });
  const stack = new PermitsStack(app, "Permits", { tablePrefix: "permits", isDisposable: true, ...props });
  const template = Template.fromStack(stack);
  return {
    template,
    resources: (template.toJSON() as { Resources: Record<string, Resource> }).Resources,
    folder,
  };
}

/** The resources of a type, by what they are called in the code: `Log` of `LogFunction9DE8E6E0`. */
export function resourcesOf({ resources }: SynthesizedStack, type: string): ReadonlyMap<string, Resource> {
  const ofType = Object.entries(resources).filter(([, { Type }]) => Type === type);
  return new Map(ofType.map(([id, resource]) => [id, resource]));
}

/** The logical id that a `Ref` or `Fn::GetAtt` leads to. */
export function targetOf(reference: unknown): string {
  const { Ref, "Fn::GetAtt": attribute } = reference as {
    readonly Ref?: string;
    readonly "Fn::GetAtt"?: readonly [string, string];
  };
  return Ref ?? String(attribute?.[0]);
}
