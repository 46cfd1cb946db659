/**
 * For `JAVA_TOOL_OPTIONS`: without the compiler for code that runs long, a server that a test starts and ends takes half
 * of the CPU.
 */
export const SHORT_LIVED = "-XX:TieredStopAtLevel=1";
