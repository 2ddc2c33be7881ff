import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.github.bucket4j.Bucket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Lets as many requests of each task through, by the header `taskid`, as its token bucket has tokens. */
final class TaskLimit {
  private final Map<String, Bucket> buckets;

  TaskLimit(List<ChainConfig.Task> tasks) {
    buckets = tasks.stream().collect(Collectors.toMap(ChainConfig.Task::taskid, TaskLimit::bucketOf));
  }

  private static Bucket bucketOf(ChainConfig.Task task) {
    var tokens = Math.max(1, Math.round(task.requestsPerSecond()));
    return Bucket.builder()
        .addLimit(limit -> limit.capacity(tokens).refillGreedy(tokens, Duration.ofSeconds(1)))
        .build();
  }

  /** The answer of a request that is refused; null: it may pass. */
  HttpResponse check(ServiceRequestContext context, HttpRequest request) {
    var bucket = buckets.get(request.headers().get("taskid", ""));
    if (bucket == null) {
      return Decision.refuse(context, HttpStatus.FORBIDDEN, "task_unknown");
    }
    if (!bucket.tryConsume(1)) {
      return Decision.refuse(context, HttpStatus.TOO_MANY_REQUESTS, "task_rate_limited");
    }
    return null;
  }
}
