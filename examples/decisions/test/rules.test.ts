import { commitIdFrom } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { expect, it } from "vitest";
import { issueInvoice } from "../src/issue-invoice.ts";
import { NameTakenError, registerUser } from "../src/register-user.ts";
import { schoolEvents, type SchoolStore } from "../src/school-events.ts";
import {
  AlreadySubscribedError,
  CourseFullError,
  COURSES_PER_STUDENT,
  subscribe,
  TooManyCoursesError,
} from "../src/subscribe.ts";

async function openSchool(...courses: readonly string[]): Promise<SchoolStore> {
  const store = createMemoryEventStore({ events: schoolEvents });
  for (const course of courses)
    await store.append(`course|${course}`, [{ type: "CourseOpened", data: { places: 1 } }]);
  return store;
}

it("a name is taken in upper and lower case, and a user has one", async () => {
  const store = await openSchool();
  await registerUser(store, { userId: "1", name: "Ada" });
  await expect(registerUser(store, { userId: "2", name: "ADA" })).rejects.toThrow(NameTakenError);
  await expect(registerUser(store, { userId: "1", name: "Grace" })).rejects.toMatchObject({
    code: "transactConflict",
  });
  expect(await store.streamExists("username|grace")).toBe(false);
});

it("a course has its places, a student a number of courses", async () => {
  const courses = Array.from({ length: COURSES_PER_STUDENT + 1 }, (_, index) => `course-${index}`);
  const store = await openSchool(...courses);
  const take = (courseId: string, student: string) => subscribe(store, { courseId, student });
  for (const course of courses.slice(1)) await take(course, "ada");
  await expect(take("course-1", "ada")).rejects.toThrow(AlreadySubscribedError);
  await expect(take("course-1", "bob")).rejects.toThrow(CourseFullError);
  await expect(take("course-0", "ada")).rejects.toThrow(TooManyCoursesError);
});

it("a subscription that is sent again is no second one", async () => {
  const store = await openSchool("fugue");
  const commitId = commitIdFrom("request-1");
  const send = () => subscribe(store, { courseId: "fugue", student: "ada" }, { commitId });
  const { appends } = await send();
  expect(await send()).toMatchObject({ duplicate: true, attempts: 0, appends });
});

it("an order has one invoice", async () => {
  const store = await openSchool();
  const issue = () => issueInvoice(store, { order: "1", cents: 100, year: 2026 });
  expect((await issue()).appends[1]?.events[0]?.data).toEqual({ number: 1, cents: 100 });
  expect((await issue()).appends).toEqual([]);
});
