import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.netty.util.AttributeKey;
import java.util.Map;

/** What the chain decided about a request, for its answer and for the access log. */
final class Decision {
  private static final AttributeKey<String> KEY = AttributeKey.valueOf(Decision.class, "decision");

  static void admit(ServiceRequestContext context, String subject) {
    context.setAttr(KEY, "admitted " + subject);
  }

  static HttpResponse refuse(ServiceRequestContext context, HttpStatus status, String reason) {
    context.setAttr(KEY, "refused " + reason);
    return HttpResponse.ofJson(status, Map.of("error", reason));
  }

  /** Null before any. */
  static String of(ServiceRequestContext context) {
    return context.attr(KEY);
  }

  private Decision() {}
}
