/** Types of what others name, such as a flag or a field of a file, and which says no unit. */
export type Milliseconds = number;
export type Seconds = number;
