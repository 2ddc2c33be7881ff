import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * What the chain is told: `ChainConfig` of chain-config.ts.
 *
 * @param logFile the access log, a JSON object a line; none when null
 */
record ChainConfig(
    String issuer,
    List<String> audiences,
    JsonNode jwks,
    List<Task> tasks,
    Integer tokenCache,
    String logFile) {

  record Task(String taskid, double requestsPerSecond) {}

  static ChainConfig read(Path file) throws IOException {
    return new ObjectMapper().readValue(file.toFile(), ChainConfig.class);
  }

  int rememberedTokens() {
    return tokenCache == null ? 1000 : tokenCache;
  }
}
