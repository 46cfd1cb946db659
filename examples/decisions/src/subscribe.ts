import { decideAcross, type DecideAcrossOptions, type DecisionResult } from "@tuppence/core";
import type { SchoolEvent, schoolEvents, SchoolStore } from "./school-events.ts";

export class CourseFullError extends Error {}
export class TooManyCoursesError extends Error {}
export class AlreadySubscribedError extends Error {}

/** How many courses a student may take. */
export const COURSES_PER_STUDENT = 3;

interface Course {
  readonly places: number;
  readonly students: ReadonlySet<string>;
}

const course = {
  initialState: (): Course => ({ places: 0, students: new Set() }),
  evolve(state: Course, event: SchoolEvent): Course {
    if (event.type === "CourseOpened") return { ...state, places: event.data.places };
    if (event.type !== "StudentSubscribed") return state;
    return { ...state, students: new Set([...state.students, event.data.student]) };
  },
};

const coursesTaken = {
  initialState: () => 0,
  evolve: (taken: number, event: SchoolEvent) => (event.type === "CourseTaken" ? taken + 1 : taken),
};

/** A course has so many places, and a student takes so many courses: neither side may be overbooked. */
export function subscribe(
  store: SchoolStore,
  { courseId, student }: { readonly courseId: string; readonly student: string },
  options?: DecideAcrossOptions,
): Promise<DecisionResult<typeof schoolEvents>> {
  const courseStream = `course|${courseId}`;
  const studentStream = `student|${student}`;
  return decideAcross(
    store,
    async ({ load }) => {
      const [{ places, students }, taken] = await Promise.all([
        load(courseStream, course),
        load(studentStream, coursesTaken),
      ]);
      if (students.has(student)) throw new AlreadySubscribedError(`${student} takes ${courseId} already.`);
      if (students.size >= places) throw new CourseFullError(`${courseId} is full.`);
      if (taken >= COURSES_PER_STUDENT) throw new TooManyCoursesError(`${student} takes ${taken} courses.`);
      return [
        { streamId: courseStream, events: [{ type: "StudentSubscribed", data: { student } }] },
        { streamId: studentStream, events: [{ type: "CourseTaken", data: { course: courseId } }] },
      ];
    },
    options,
  );
}
