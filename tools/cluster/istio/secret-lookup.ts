/** Value of a key of a Secret in the gateway's namespace; undefined when it is not known. */
export type SecretLookup = (namespace: string, name: string, key: string) => Uint8Array | undefined;
