import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { controlTable, eventsTable } from "@tuppence/core";
import { documentsTable } from "@tuppence/projections";
import { projectionEventSourceMapping } from "@tuppence/projections/lambda";
import { queueEventSourceMapping } from "@tuppence/queue/lambda";
import { schedulesTable } from "@tuppence/scheduler";
import { bellEventSourceMapping } from "@tuppence/scheduler/lambda";
import { logEventSourceMapping } from "@tuppence/stream-adapter/lambda";
import { App, Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { createTables } from "../src/infrastructure/tables.ts";
import { application } from "../src/permit-events.ts";
import { roleOf, statementsOf } from "./role-policy.ts";
import { resourcesOf, synthesizeStack, targetOf } from "./synthesized-stack.ts";

const stack = synthesizeStack({ validates: true, isDisposable: false });
const { template, resources } = stack;

afterAll(() => rm(stack.folder, { recursive: true }));

/** What a resource is called: `permits-events` of a table, `Log` of a function. */
function nameOf(logicalId: string): string {
  const { TableName: tableName } = resources[logicalId]?.Properties ?? {};
  return tableName ?? logicalId.replace(/(Function|)[0-9A-F]{8}$/, "");
}

it("is what CloudFormation knows", async () => {
  const report = await readFile(join(stack.folder, "validation-report.json"), "utf8");
  const { pluginReports } = JSON.parse(report) as {
    pluginReports: readonly { readonly violations: unknown[] }[];
  };
  expect(pluginReports.flatMap(({ violations }) => violations)).toEqual([]);
});

describe("the tables", () => {
  it.each([
    [eventsTable("permits"), undefined],
    [controlTable("permits"), "ttl"],
    [documentsTable("permits"), "ttl"],
    [schedulesTable("permits"), "ttl"],
    [eventsTable("permits-letters"), undefined],
    [controlTable("permits-letters"), "ttl"],
  ])("$TableName is as its package defines it, backed up and protected", (definition, ttl) => {
    const { StreamSpecification: stream, ...same } = definition;
    template.hasResource("AWS::DynamoDB::Table", {
      Properties: {
        ...same,
        StreamSpecification: stream ? { StreamViewType: stream.StreamViewType } : Match.absent(),
        TimeToLiveSpecification: ttl === undefined ? Match.absent() : { AttributeName: ttl, Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
      },
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
    });
    template.resourceCountIs("AWS::DynamoDB::Table", 6);
  });

  it("go with the stack if it is disposable", () => {
    const outdir = join(stack.folder, "disposable");
    const another = new Stack(new App({ outdir, builtinCloudFormationValidation: false }));
    createTables(another, { tablePrefix: "permits", isDisposable: true });
    Template.fromStack(another).allResources("AWS::DynamoDB::Table", {
      Properties: { DeletionProtectionEnabled: false },
      DeletionPolicy: "Delete",
    });
  });
});

describe("the functions", () => {
  const mappings = [...resourcesOf(stack, "AWS::Lambda::EventSourceMapping").values()];

  it.each([
    ["Log", "permits-events", logEventSourceMapping()],
    ["Projections", "permits-events", projectionEventSourceMapping()],
    ["Letters", "permits-letters-events", queueEventSourceMapping("letters")],
    ["Deadlines", "permits-schedules", bellEventSourceMapping()],
  ])("%s is woken by %s with the settings of its package", (name, table, settings) => {
    const mapping = mappings.find(({ Properties }) => nameOf(targetOf(Properties.FunctionName)) === name);
    const {
      FunctionName: _,
      EventSourceArn: stream,
      DestinationConfig: destination,
      ...rest
    } = mapping?.Properties ?? {};
    expect(rest).toEqual(settings);
    expect(rest.FunctionResponseTypes).toEqual(["ReportBatchItemFailures"]);
    expect(stream["Fn::GetAtt"][1]).toBe("StreamArn");
    expect(nameOf(targetOf(stream))).toBe(table);
    expect(resources[targetOf(destination.OnFailure.Destination)]?.Type).toBe("AWS::SQS::Queue");
  });

  it("no more than two read the stream of a table", () => {
    const readers = new Map<string, number>();
    for (const { Properties } of mappings) {
      const table = nameOf(targetOf(Properties.EventSourceArn));
      readers.set(table, (readers.get(table) ?? 0) + 1);
    }
    expect(Math.max(...readers.values())).toBe(2);
  });

  it("have time enough, and nothing that costs while idle", () => {
    for (const { Properties } of resourcesOf(stack, "AWS::Lambda::Function").values()) {
      expect(Properties).toMatchObject({ Timeout: 60, Handler: "index.handler" });
      expect(Properties.Environment.Variables).toEqual({ TABLE_PREFIX: "permits" });
      expect(Properties).not.toHaveProperty("ReservedConcurrentExecutions");
    }
    template.resourceCountIs("AWS::Lambda::Function", 4);
  });
});

describe("the roles", () => {
  const writes = [
    "BatchGetItem",
    "DeleteItem",
    "GetItem",
    "PartiQLInsert",
    "PartiQLUpdate",
    "Query",
    "UpdateItem",
  ];
  const leases = ["DeleteItem", "GetItem", "Query", "UpdateItem"];
  it.each([
    ["Log", "permits-events", { "permits-events": ["PutItem", "Query"] }],
    [
      "Projections",
      "permits-events",
      {
        "permits-events": ["Query"],
        "permits-control": leases,
        "permits-documents": ["BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query"],
        "permits-schedules": writes,
        "permits-letters-events": ["DescribeTable", "PutItem", "Query"],
        "permits-letters-control": ["DescribeTable", "GetItem", "UpdateItem"],
      },
    ],
    [
      "Letters",
      "permits-letters-events",
      {
        "permits-events": ["PutItem", "Query"],
        "permits-letters-events": ["DescribeTable", "Query"],
        "permits-letters-control": ["DeleteItem", "DescribeTable", "GetItem", "Query", "UpdateItem"],
      },
    ],
    [
      "Deadlines",
      "permits-schedules",
      { "permits-events": ["PutItem", "Query"], "permits-schedules": writes },
    ],
  ])("%s may read its stream, and do exactly what its packages say", (name, stream, tables) => {
    const roleId = roleOf(stack, name);
    const allowed = statementsOf(stack, roleId).map(({ actions, resource, conditions }) => {
      expect(conditions).toBeUndefined();
      return `${nameOf(resource)}: ${actions.join(" ")}`;
    });
    const dynamodb = (table: string, actions: readonly string[]): string =>
      `${table}: ${actions.map((action) => `dynamodb:${action}`).join(" ")}`;
    expect(allowed.toSorted()).toEqual(
      [
        dynamodb(stream, ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"]),
        "GivenUp: sqs:SendMessage",
        `${name === "Log" ? "Log" : `${name}Log`}: logs:CreateLogStream logs:PutLogEvents`,
        ...Object.entries(tables).map(([table, actions]) => dynamodb(table, actions)),
      ].toSorted(),
    );
  });

  it("the API may put into streams of permits, and nothing else", () => {
    const roleId = roleOf(stack, "Applications");
    expect(statementsOf(stack, roleId)).toEqual([
      {
        actions: ["dynamodb:PutItem"],
        resource: Object.keys(resources).find((id) => nameOf(id) === "permits-events"),
        conditions: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["permit|*"] } },
      },
    ]);
  });

  it("nobody may do everything, or anything with everything", () => {
    for (const [roleId, { Properties }] of resourcesOf(stack, "AWS::IAM::Role")) {
      expect(Properties).not.toHaveProperty("ManagedPolicyArns");
      for (const { actions, resource } of statementsOf(stack, roleId)) {
        expect([...actions, resource].filter((text) => text.includes("*"))).toEqual([]);
      }
    }
  });
});

it("alarms go off when a function is late, and when something was given up", () => {
  const alarms = [...resourcesOf(stack, "AWS::CloudWatch::Alarm").values()].map(({ Properties }) => [
    Properties.MetricName,
    nameOf(targetOf(Properties.Dimensions[0].Value)),
    Properties.Threshold,
  ]);
  expect(alarms).toEqual([
    ["IteratorAge", "Log", 600_000],
    ["IteratorAge", "Projections", 600_000],
    ["IteratorAge", "Letters", 600_000],
    ["IteratorAge", "Deadlines", 600_000],
    ["ApproximateNumberOfMessagesVisible", "GivenUp", 1],
  ]);
});

it("the API takes what the event's schema takes, and stores it without a function", () => {
  template.hasResourceProperties("AWS::ApiGateway::Model", {
    ContentType: "application/json",
    Schema: z.toJSONSchema(application, { target: "draft-4" }),
  });
  template.hasResourceProperties("AWS::ApiGateway::RequestValidator", {
    ValidateRequestBody: true,
    ValidateRequestParameters: true,
  });
  template.hasResourceProperties("AWS::ApiGateway::Method", {
    HttpMethod: "PUT",
    RequestModels: { "application/json": { Ref: Match.stringLikeRegexp("^Application") } },
    RequestValidatorId: Match.anyValue(),
    Integration: Match.objectLike({
      Type: "AWS",
      IntegrationHttpMethod: "POST",
      PassthroughBehavior: "NEVER",
      Uri: { "Fn::Join": ["", Match.arrayWith([":dynamodb:action/PutItem"])] },
    }),
  });
});
