import { App } from "aws-cdk-lib";
import { PermitsStack } from "./permits-stack.ts";

// `-c prefix=…` for a second one in the same account and Region; `-c disposable=true` to try it out.
const app = new App({ outdir: process.env["CDK_OUTDIR"] ?? "cdk.out" });
const tablePrefix = String(app.node.tryGetContext("prefix") ?? "permits");
const isDisposable = String(app.node.tryGetContext("disposable")) === "true";
new PermitsStack(app, "Permits", { tablePrefix, isDisposable });
app.synth();
