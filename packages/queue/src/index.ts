export type { Message, MessageHeaders, NewMessage } from "./message.ts";
