/** The account and Region that local functions say they are in; those in an ARN given to the API are not looked at. */
const LOCAL_ACCOUNT = "000000000000";
export const LOCAL_REGION = "us-east-1";

/** The one version that a local function has. */
export const LATEST = "$LATEST";

/** A function as an Invoke request names it. */
export interface FunctionReference {
  readonly name: string;
  /** A version or an alias. */
  readonly qualifier: string | undefined;
}

/** Name, partial ARN or ARN, with or without a qualifier: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const REFERENCE =
  /^(?:arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:)?(?:\d{12}:)?(?:function:)?([a-zA-Z0-9-_.]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$/;

const NAME = /^[a-zA-Z0-9-_]{1,64}$/;

/** @throws TypeError when it is none: 1 to 64 letters, digits, hyphens and underscores */
export function checkFunctionName(name: string): void {
  if (!NAME.test(name)) {
    throw new TypeError(`A function's name is 1 to 64 letters, digits, - and _, not ${JSON.stringify(name)}`);
  }
}

/** Reads what a request calls a function; `undefined` when it is no name of one. */
export function parseFunctionReference(text: string): FunctionReference | undefined {
  const [, name, qualifier] = REFERENCE.exec(text) ?? [];
  return name === undefined ? undefined : { name, qualifier };
}

export function functionArn(name: string, qualifier?: string): string {
  const arn = `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:${name}`;
  return qualifier === undefined ? arn : `${arn}:${qualifier}`;
}
