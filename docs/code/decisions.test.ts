import { commitIdFrom, decideAcross, defineEvents, type RecordedEventOf } from "@tuppence/core";
import { createMemoryEventStore } from "@tuppence/core/memory";
import { expect, it } from "vitest";
import { z } from "zod";

const events = defineEvents({
  CourseOpened: z.object({ places: z.int() }),
  StudentSubscribed: z.object({ student: z.string() }),
  CourseTaken: z.object({ course: z.string() }),
});
type SchoolEvent = RecordedEventOf<typeof events>;

class CourseFullError extends Error {}
class TooManyCoursesError extends Error {}

const courseFold = {
  initialState: () => ({ places: 0, taken: 0 }),
  evolve: (state: { places: number; taken: number }, event: SchoolEvent) =>
    event.type === "CourseOpened"
      ? { ...state, places: event.data.places }
      : { ...state, taken: state.taken + 1 },
};
const studentFold = {
  initialState: () => ({ courses: 0 }),
  evolve: ({ courses }: { courses: number }) => ({ courses: courses + 1 }),
};

it("a course has places, and a student takes three courses", async () => {
  const store = createMemoryEventStore({ events });
  await store.append("course|c1", [{ type: "CourseOpened", data: { places: 1 } }]);
  const subscribe = async (c: string, s: string, requestId: string) => {
    //#region decide
    const { appends, duplicate, attempts, capacity } = await decideAcross(
      store,
      async ({ load }) => {
        const [course, student] = await Promise.all([
          load(`course|${c}`, courseFold),
          load(`student|${s}`, studentFold),
        ]);
        if (course.taken >= course.places) throw new CourseFullError(c);
        if (student.courses >= 3) throw new TooManyCoursesError(s);
        return [
          { streamId: `course|${c}`, events: [{ type: "StudentSubscribed", data: { student: s } }] },
          { streamId: `student|${s}`, events: [{ type: "CourseTaken", data: { course: c } }] },
        ];
      },
      { commitId: commitIdFrom(requestId) }, // once, however often the request comes
    );
    //#endregion decide
    return { appends, duplicate, attempts, requests: capacity.requests };
  };
  const first = await subscribe("c1", "ada", "request-1");
  expect(first).toMatchObject({ duplicate: false, attempts: 1, requests: 3 });
  expect(first.appends.map(({ streamId }) => streamId)).toEqual(["course|c1", "student|ada"]);
  await expect(subscribe("c1", "grace", "request-2")).rejects.toBeInstanceOf(CourseFullError);
  expect(await subscribe("c1", "ada", "request-1")).toMatchObject({ duplicate: true });
});
