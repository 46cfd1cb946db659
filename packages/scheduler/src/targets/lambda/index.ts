export { type LambdaTargetOptions, lambda, lambdaDestination } from "./lambda-target.ts";
