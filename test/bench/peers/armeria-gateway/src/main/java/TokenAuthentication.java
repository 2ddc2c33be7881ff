import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.ConfigurableJWTProcessor;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.text.ParseException;
import java.util.Date;
import java.util.HashSet;
import java.util.Set;

/** Lets requests through whose bearer token is valid. A token that passed is remembered; only its end is checked again. */
final class TokenAuthentication {
  private static final String SCHEME = "Bearer ";

  private final ConfigurableJWTProcessor<SecurityContext> processor;
  private final Cache<String, JWTClaimsSet> remembered;

  TokenAuthentication(ChainConfig config) throws ParseException {
    var keys = new ImmutableJWKSet<>(JWKSet.parse(config.jwks().toString()));
    var claims =
        new DefaultJWTClaimsVerifier<>(
            new HashSet<>(config.audiences()),
            new JWTClaimsSet.Builder().issuer(config.issuer()).build(),
            Set.of("exp"),
            Set.of());
    claims.setMaxClockSkew(0);
    processor = new DefaultJWTProcessor<>();
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(JWSAlgorithm.RS256, keys));
    processor.setJWTClaimsSetVerifier(claims);
    remembered = Caffeine.newBuilder().maximumSize(config.rememberedTokens()).build();
  }

  /** The answer of a request that is refused; null: it may pass. */
  HttpResponse check(ServiceRequestContext context, HttpRequest request) {
    var authorization = request.headers().get(HttpHeaderNames.AUTHORIZATION);
    if (authorization == null || !authorization.startsWith(SCHEME)) {
      return Decision.refuse(context, HttpStatus.UNAUTHORIZED, "token_missing");
    }
    var token = authorization.substring(SCHEME.length());
    var claims = remembered.getIfPresent(token);
    if (claims == null) {
      try {
        claims = processor.process(token, null);
      } catch (ParseException | BadJOSEException | JOSEException invalid) {
        return Decision.refuse(context, HttpStatus.UNAUTHORIZED, "token_invalid");
      }
      remembered.put(token, claims);
    } else if (!claims.getExpirationTime().after(new Date())) {
      return Decision.refuse(context, HttpStatus.UNAUTHORIZED, "token_expired");
    }
    Decision.admit(context, claims.getSubject());
    return null;
  }
}
