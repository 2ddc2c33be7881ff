// What AssemblyScript's own declarations leave out or declare as an alias, for editors and tsc.

interface Number {
  toString(radix?: number): string;
}

declare function __collect(): void;
