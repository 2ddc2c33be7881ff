import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.logging.RequestLog;
import com.linecorp.armeria.common.util.UnmodifiableFuture;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.logging.AccessLogWriter;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** A JSON object a request, with the names that Envoy's log has in the bench, written in batches as Envoy does. */
final class AccessLog implements AccessLogWriter {
  private static final int BUFFER_BYTES = 64 * 1024;
  private static final int LINE_BYTES = 1024;

  private final JsonFactory json = new JsonFactory();
  private final OutputStream out;
  private final ScheduledExecutorService flusher = Executors.newSingleThreadScheduledExecutor();

  AccessLog(String file) throws IOException {
    out = new BufferedOutputStream(new FileOutputStream(file, true), BUFFER_BYTES);
    flusher.scheduleWithFixedDelay(this::flush, 1, 1, TimeUnit.SECONDS);
  }

  @Override
  public void log(RequestLog log) {
    var line = new ByteArrayOutputStream(LINE_BYTES);
    try (var object = json.createGenerator(line, JsonEncoding.UTF8)) {
      write(object, log, (ServiceRequestContext) log.context());
      object.writeRaw('\n');
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    synchronized (out) {
      try {
        line.writeTo(out);
      } catch (IOException lost) {
        // As with Envoy, requests go on when a log cannot be written.
      }
    }
  }

  private static void write(JsonGenerator object, RequestLog log, ServiceRequestContext context)
      throws IOException {
    var headers = log.requestHeaders();
    object.writeStartObject();
    object.writeStringField("start_time", Instant.ofEpochMilli(log.requestStartTimeMillis()).toString());
    object.writeNumberField("duration", TimeUnit.NANOSECONDS.toMillis(log.totalDurationNanos()));
    object.writeStringField("protocol", log.sessionProtocol().uriText());
    object.writeNumberField("response_code", log.responseStatus().code());
    object.writeNumberField("bytes_received", log.requestLength());
    object.writeNumberField("bytes_sent", log.responseLength());
    object.writeStringField("downstream_local_address", String.valueOf((Object) context.localAddress()));
    object.writeStringField("downstream_remote_address", String.valueOf((Object) context.remoteAddress()));
    object.writeStringField("authority", headers.authority());
    object.writeStringField("method", headers.method().name());
    object.writeStringField("path", headers.path());
    object.writeStringField("user_agent", headers.get(HttpHeaderNames.USER_AGENT));
    object.writeStringField("request_id", context.id().text());
    object.writeStringField("taskid", headers.get("taskid"));
    object.writeStringField("version", headers.get("version"));
    object.writeStringField("decision", Decision.of(context));
    object.writeEndObject();
  }

  private void flush() {
    synchronized (out) {
      try {
        out.flush();
      } catch (IOException lost) {
        // See above.
      }
    }
  }

  @Override
  public CompletableFuture<Void> shutdown() {
    flusher.shutdown();
    flush();
    return UnmodifiableFuture.completedFuture(null);
  }
}
