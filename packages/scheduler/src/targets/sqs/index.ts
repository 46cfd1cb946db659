export { type SqsTargetOptions, sqs } from "./sqs-target.ts";
