export { type LambdaTargetOptions, lambda } from "./lambda-target.ts";
