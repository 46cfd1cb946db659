export { decodeRecord } from "./decode-record.ts";
export {
  type HandlerContext,
  oneByOne,
  type RecordsHandler,
  StoppedAtRecordError,
} from "./records-handler.ts";
export type {
  ChangeRecord,
  CommitRecord,
  ExpirationRecord,
  ItemChange,
  RecordEnvelope,
  StreamRecord,
  UnknownRecord,
} from "./stream-record.ts";
