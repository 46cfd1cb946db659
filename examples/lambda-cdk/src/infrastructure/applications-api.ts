import {
  AwsIntegration,
  CfnModel,
  EndpointType,
  Model,
  PassthroughBehavior,
  RestApi,
} from "aws-cdk-lib/aws-apigateway";
import type { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import * as z from "zod";
import { application, PERMITS } from "../permit-events.ts";
import { FAILED_TEMPLATE, putTemplate, REFUSED_TEMPLATE, STORED_TEMPLATE } from "./application-templates.ts";

const JSON_TYPE = "application/json";

/**
 * `PUT /permits/{permitId}`: storage first. API Gateway puts the application into the events table itself, without a function that could be
 * slow to start, throttled or broken: once it has answered, the event is stored, and all that follows from it comes by the table's stream.
 */
export function createApplicationsApi(scope: Construct, events: CfnTable): RestApi {
  const role = new Role(scope, "ApplicationsRole", {
    assumedBy: new ServicePrincipal("apigateway.amazonaws.com"),
  });
  role.addToPolicy(
    new PolicyStatement({
      actions: ["dynamodb:PutItem"],
      resources: [events.attrArn],
      // Streams of permits, and no other chain.
      conditions: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [`${PERMITS}|*`] } },
    }),
  );
  const api = new RestApi(scope, "Applications", {
    endpointTypes: [EndpointType.REGIONAL],
    cloudWatchRole: false,
    deployOptions: { stageName: "v1", throttlingRateLimit: 100, throttlingBurstLimit: 200 },
  });
  const schema = z.toJSONSchema(application, { target: "draft-4" });
  const model = new CfnModel(scope, "Application", {
    restApiId: api.restApiId,
    contentType: JSON_TYPE,
    schema,
  });
  // A stage goes on with what it was deployed with: another schema needs another deployment.
  api.latestDeployment?.addToLogicalId(schema);
  const statuses = ["201", "400", "409", "429", "500", "503"];
  api.root
    .addResource("permits")
    .addResource("{permitId}")
    .addMethod("PUT", putItem(role, String(events.tableName)), {
      requestParameters: { "method.request.path.permitId": true },
      requestModels: { [JSON_TYPE]: Model.fromModelName(scope, "ApplicationModel", model.ref) },
      requestValidatorOptions: { validateRequestBody: true, validateRequestParameters: true },
      methodResponses: statuses.map((statusCode) => ({ statusCode })),
    });
  return api;
}

function putItem(credentialsRole: Role, tableName: string): AwsIntegration {
  const answer = (statusCode: string, template: string) => ({
    statusCode,
    responseTemplates: { [JSON_TYPE]: template },
  });
  return new AwsIntegration({
    service: "dynamodb",
    action: "PutItem",
    options: {
      credentialsRole,
      // Whatever is no JSON is refused with status 415.
      passthroughBehavior: PassthroughBehavior.NEVER,
      requestTemplates: { [JSON_TYPE]: putTemplate(tableName) },
      integrationResponses: [
        { selectionPattern: "200", ...answer("201", STORED_TEMPLATE) },
        { selectionPattern: "4\\d{2}", ...answer("400", REFUSED_TEMPLATE) },
        // All else.
        answer("503", FAILED_TEMPLATE),
      ],
    },
  });
}
