/** What host calls answer. */
export const OK = 0;
export const NOT_FOUND = 1;
export const BAD_ARGUMENT = 2;
export const EMPTY = 7;
export const CAS_MISMATCH = 8;
