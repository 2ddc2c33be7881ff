import { type Mutant, mutants } from "../mutant.ts";

const FORGED = "forges or bends a JSON Web Token: `alg: none`, key confusion, foreign `kid`, claims twice";
const AUTH = "test/host/tenant-auth.test.ts: tokens";
const KEYS = "test/host/key-sets.test.ts:";
const CRYPTO = "test/unit/crypto.test.ts:";
const JWT = "filters/tenant-auth/jwt";

export const TOKENS: Mutant[] = [
  ...mutants(FORGED, `${JWT}/token-claims.ts`, [
    [`${AUTH} aud twice`, "if ((this.seen & roles) != 0) return false;", ""],
    [`${AUTH} no exp`, "if (!expires && issuer.expiryRequired) return TOKEN_CLAIMS;", ""],
    [`${AUTH} no list of tasks`, "issuer.tasksClaim != null && (this.seen & Role.Tasks) == 0", "false"],
    [`${AUTH} no tenant in the token`, "issuer.tenantClaim != null && this.tenant.len == 0", "false"],
    [`${AUTH} expired within the leeway`, "seconds(this.expiry) + issuer.leeway", "seconds(this.expiry)"],
    [`${AUTH} expired`, "if (this.expires <= now) return TOKEN_EXPIRED;", ""],
    [`${AUTH} not yet valid, within`, "seconds(this.notBefore) - issuer.leeway", "seconds(this.notBefore)"],
    [`${AUTH} not yet valid, beyond`, "- issuer.leeway > now", "- 2 * issuer.leeway > now"],
    [`${AUTH} client id of nobody`, "clients.length > 0 && !isOneOf(clients, this.client)", "false"],
    [`${AUTH} other audience`, "issuer.audiences.length == 0 || this.audienceMatches", "true"],
    [
      `${AUTH} client id good, audience wrong`,
      "clients.length > 0 && (this.seen & Role.Audience) == 0",
      "clients.length > 0",
    ],
    [`${AUTH} issuer twice`, "return json.done && seen <= 1;", "return json.done;"],
    [
      `${AUTH} claims with something behind`,
      "return json.done && seen <= 1;",
      "return !json.failed && seen <= 1;",
    ],
    [`${AUTH} no tasks in the token`, "if (this.tasks.len == 0) this.tasks.appendByte(0);", ""],
  ]),
  ...mutants(FORGED, `${JWT}/token-header.ts`, [
    [`${AUTH} alg twice`, "!json.done || algs != 1", "!json.done || algs < 1"],
    [`${AUTH} crit`, "is(CRIT) || is(B64)", "is(B64)"],
    [`${AUTH} unencoded payload`, "is(CRIT) || is(B64)", "is(CRIT)"],
  ]),
  ...mutants(FORGED, `${JWT}/token.ts`, [
    [
      `${AUTH} algorithm that the issuer does not use`,
      "if (!issuer.accepts(header.algorithm)) return TOKEN_ALGORITHM;",
      "",
    ],
    [`${AUTH} signature of another key`, "if (unsigned != null) return unsigned;", ""],
    [
      `${AUTH} other issuer`,
      "if (claims.issuer < 0) return TOKEN_ISSUER;",
      "if (claims.issuer < 0) claims.issuer = 0;",
    ],
  ]),
  ...mutants(FORGED, `${JWT}/token-signature.ts`, [
    [
      `${KEYS} a set that is configured a kid that is there`,
      "if (named == Tried.Wrong) return TOKEN_SIGNATURE;",
      "",
    ],
    [
      `${KEYS} a set that is configured an equal kid twice`,
      "    tried = Tried.Wrong;",
      "    return Tried.Wrong;",
    ],
    [`${AUTH} no kid, several keys fit`, "    if (found != null) return null;", ""],
    [`${AUTH} unknown kid`, "!key.kid.equals(kid, kidLen)", "false"],
    [
      `${KEYS} a token that no key without a kid has signed`,
      "  issuer.wantKeys();\n  return unnamed",
      "  return unnamed",
    ],
  ]),
  ...mutants(FORGED, `${JWT}/algorithms.ts`, [
    [
      `${AUTH} HS256 with the public key as secret`,
      "if (algorithm == Algorithm.HS256) return key.type == KeyType.Secret;",
      "if (algorithm == Algorithm.HS256) return true;",
    ],
    [
      `${AUTH} ES256 with the key of another curve`,
      "if (algorithm == Algorithm.ES256) return key.type == KeyType.P256;",
      "if (algorithm == Algorithm.ES256) return key.type != KeyType.Rsa;",
    ],
    [
      `${AUTH} RS256 with a key kept for RS512`,
      "algorithmOf(key.alg.ptr, key.alg.len) != algorithm",
      "false",
    ],
    [
      `${AUTH} HS256 with the last byte`,
      "size == SHA256_SIZE && equalDigests(mac, signature)",
      "size == SHA256_SIZE",
    ],
    [
      `${AUTH} signature of a bit less`,
      "args.len) == 2 && load<u16>(foreignResult()) == VERIFIED",
      "args.len) >= 0",
    ],
  ]),
  ...mutants(FORGED, `${JWT}/jwk.ts`, [
    [`${KEYS} a set that is configured a key for use enc`, '(use.length > 0 && use != "sig")', "false"],
    [`${KEYS} a set that is configured a key for sign alone`, 'operations[i].text == "verify"', "true"],
    [
      `${KEYS} a set that is configured a key for kid of another type`,
      '!isTextOrAbsent(json, "kid") || ',
      "",
    ],
    [
      "test/host/tenant-auth.test.ts: configuration is refused: an RSA key of 1024 bits",
      "first.len < RSA_MIN_BYTES || ",
      "",
    ],
    [`${KEYS} a fetched set never holds symmetric keys`, 'kty == "oct" && secrets &&', 'kty == "oct" &&'],
  ]),
  ...mutants(FORGED, `${JWT}/jwks-source.ts`, [
    [
      `${KEYS} a fetched set never holds symmetric keys`,
      "this.keys = parseJwks(json, false,",
      "this.keys = parseJwks(json, true,",
    ],
    [
      `${KEYS} a fetched set of symmetric keys alone`,
      "const keys = parseJwks(json, false, algorithms",
      "const keys = parseJwks(json, true, algorithms",
    ],
  ]),
  ...mutants(FORGED, "filters/tenant-auth/crypto/rsa-pss.ts", [
    [
      `${CRYPTO} PS256, refused though its hash is right (RFC 8017, sections 8.1.2 and 9.1.2) a signature and the modulus`,
      " || !less(base, modulus, limbs)) return false;",
      ") return false;",
    ],
    [`${CRYPTO} another separator`, "if (load<u8>(encoded + zeros) != 1) return false;", ""],
    [
      `${CRYPTO} a first byte of padding`,
      "for (let i: i32 = 0; i < zeros; i++) if",
      "for (let i: i32 = 1; i < zeros; i++) if",
    ],
    [`${CRYPTO} a last byte of padding`, "i < zeros; i++) if", "i < zeros - 1; i++) if"],
    [`${CRYPTO} another trailer`, "load<u8>(encoded + size - 1) != 0xbc || ", ""],
    [`${CRYPTO} another salt`, "return equalDigests(expected, hash);", "return true;"],
  ]),
  ...mutants(FORGED, "filters/tenant-auth/crypto/base64.ts", [
    [`${CRYPTO} base64 decodes what Node encodes`, "if ((bits & ((1 << count) - 1)) != 0) return false;", ""],
    [`${AUTH} padding`, "if (value == 64) return false;", "if (value == 64) continue;"],
  ]),
  ...mutants(FORGED, "filters/tenant-auth/identification.ts", [
    [`${AUTH} revoked by jti`, "if (registry.revocations.has(digest)) return reply.TOKEN_REVOKED;", ""],
    [
      `${AUTH} unknown tenant`,
      "if (tenant < 0) return reply.CREDENTIAL_UNKNOWN;",
      "if (tenant < 0) tenant = 0;",
    ],
    [`${AUTH} token of 64 KB`, "if (len > LARGEST_TOKEN) return reply.TOKEN_TOO_LARGE;", ""],
    [
      "test/host/tenant-auth.test.ts: takes no token for a key because it remembers it",
      "(this.owner << 1) | u64(presentation.bearer)",
      "this.owner << 1",
    ],
  ]),
  ...mutants(FORGED, "filters/tenant-auth/remembered.ts", [
    [
      "test/host/tenant-auth.test.ts: says nothing to another configuration",
      "load<u64>(key) ^ owner",
      "load<u64>(key)",
    ],
    [
      "test/host/tenant-auth.test.ts: costs no signature check for a repeated token, and ends with the token",
      "entry == 0 || load<i64>(entry, EXPIRES) <= now",
      "entry == 0",
    ],
  ]),
];
