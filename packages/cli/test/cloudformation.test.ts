import {
  type CreateTableCommandInput,
  CreateTableCommand,
  DynamoDBClient,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { startDynamoDBLocal } from "@tuppence/local";
import { describe, expect, it } from "vitest";
import {
  type CloudFormationTemplate,
  cloudFormationTemplate,
  type TableResource,
} from "../src/cloudformation.ts";
import { storeTables } from "../src/store-tables.ts";
import { runHere } from "./cli-process.ts";

const server = await startDynamoDBLocal({ log: false });

/** What CloudFormation makes of a table: a call of CreateTable, the stream being there if it says how. */
function createTableInput({ Properties }: TableResource): CreateTableCommandInput {
  const {
    TimeToLiveSpecification: _ttl,
    PointInTimeRecoverySpecification: _recovery,
    StreamSpecification,
    ...rest
  } = Properties;
  const stream = StreamSpecification as CreateTableCommandInput["StreamSpecification"];
  return { ...rest, ...(stream && { StreamSpecification: { ...stream, StreamEnabled: true } }) };
}

async function templateOf(...args: readonly string[]): Promise<CloudFormationTemplate> {
  const { exitCode, stdout, stderr } = await runHere(["tables", "--format", "cloudformation", ...args]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return JSON.parse(stdout) as CloudFormationTemplate;
}

/** The properties that CloudFormation has of those that CreateTable has too, and ours. It refuses any other. */
const PROPERTIES = [
  "AttributeDefinitions",
  "BillingMode",
  "GlobalSecondaryIndexes",
  "KeySchema",
  "PointInTimeRecoverySpecification",
  "StreamSpecification",
  "TableName",
  "TimeToLiveSpecification",
];

describe("tuppence tables --format cloudformation", () => {
  it("has each table as it is defined, kept when the stack goes, with recovery to any point in time", async () => {
    const { Resources } = await templateOf("--prefix", "shop");
    const tables = storeTables("shop");
    const resources = Object.values(Resources);
    expect(Object.keys(Resources)).toEqual([
      "EventsTable",
      "ControlTable",
      "DocumentsTable",
      "SchedulesTable",
    ]);
    expect(resources.map(createTableInput)).toEqual(tables.map(({ definition }) => definition));
    expect(resources.map(({ Properties }) => Properties.TimeToLiveSpecification)).toEqual(
      tables.map(({ ttlAttribute }) => ttlAttribute && { AttributeName: ttlAttribute, Enabled: true }),
    );
    for (const { Type, DeletionPolicy, UpdateReplacePolicy, Properties } of resources) {
      expect({ Type, DeletionPolicy, UpdateReplacePolicy }).toEqual({
        Type: "AWS::DynamoDB::Table",
        DeletionPolicy: "Retain",
        UpdateReplacePolicy: "Retain",
      });
      expect(Properties.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
      expect(PROPERTIES).toEqual(expect.arrayContaining(Object.keys(Properties)));
      expect(Object.keys(Properties.StreamSpecification ?? {})).toEqual(
        Properties.StreamSpecification ? ["StreamViewType"] : [],
      );
    }
  });

  it("makes tables that serve", async () => {
    const client = new DynamoDBClient(server.clientConfig("clicloudformation"));
    for (const resource of Object.values((await templateOf()).Resources)) {
      const { TableName, TimeToLiveSpecification } = resource.Properties;
      await client.send(new CreateTableCommand(createTableInput(resource)));
      if (TimeToLiveSpecification === undefined) continue;
      await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
    }
    const at = ["--endpoint", server.endpoint, "--database", "clicloudformation"];
    expect(await runHere(["tables", "status", ...at])).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it("says the names, the ARNs and those of the streams, of tables that it has", async () => {
    const { Resources, Outputs } = await templateOf();
    expect(Object.keys(Outputs)).toEqual([
      "EventsTableName",
      "EventsTableArn",
      "EventsTableStreamArn",
      "ControlTableName",
      "ControlTableArn",
      "DocumentsTableName",
      "DocumentsTableArn",
      "SchedulesTableName",
      "SchedulesTableArn",
      "SchedulesTableStreamArn",
    ]);
    for (const { Value } of Object.values(Outputs)) {
      const [id, attribute] = "Ref" in Value ? [Value.Ref] : Value["Fn::GetAtt"];
      const hasStream = Resources[id]?.Properties.StreamSpecification !== undefined;
      expect(Object.keys(Resources)).toContain(id);
      expect(attribute !== "StreamArn" || hasStream).toBe(true);
    }
  });

  it("is whole on a narrow terminal, and one line with --json", async () => {
    const args = ["tables", "--format=cloudformation"];
    const narrow = await runHere(args, { COLUMNS: "20" });
    const template = cloudFormationTemplate("tuppence", storeTables("tuppence"));
    expect(narrow.stdout).toBe(`${JSON.stringify(template, undefined, 2)}\n`);
    expect((await runHere([...args, "--json"])).stdout).toBe(`${JSON.stringify(template)}\n`);
  });

  it.each([
    [["--format", "yaml"], '--format is "yaml"; it has to be cloudformation.'],
    [["--format"], "--format needs a value."],
    [["--prefix", "x"], "Options come after the command; without one, --format cloudformation is needed."],
    [["--format", "cloudformation", "create"], 'There is no use for "create" here.'],
  ])("makes no sense with %j", async (args, message) => {
    expect(await runHere(["tables", ...args])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `error usage: ${message} See tuppence tables --help.\n`,
    });
  });

  it("is in the help of the group, with its commands", async () => {
    const { exitCode, stdout } = await runHere(["tables", "--help"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("--format=<format>");
    expect(stdout).toContain("create|status");
  });
});
