import com.google.api.HttpRule;
import com.linecorp.armeria.client.grpc.GrpcClients;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.grpc.GrpcService;
import com.linecorp.armeria.server.grpc.HttpJsonTranscodingOptions;
import inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase;
import inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceStub;
import inference.OpenInference.ModelInferRequest;
import inference.OpenInference.ModelInferResponse;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.text.ParseException;

/**
 * A gateway on the JVM: HTTP with the JSON of protobuf in front of a model server that speaks gRPC. Its arguments are the
 * model server's port on 127.0.0.1 and, if it is to do more than convert, the file of a {@link ChainConfig}; it prints its own
 * port.
 */
public final class Gateway extends GRPCInferenceServiceImplBase {
  private static final String PATH = "/v2/models/{model_name}/infer";
  private static final String METHOD = "inference.GRPCInferenceService.ModelInfer";

  private final GRPCInferenceServiceStub model;

  private Gateway(GRPCInferenceServiceStub model) {
    this.model = model;
  }

  @Override
  public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> response) {
    model.modelInfer(request, response);
  }

  public static void main(String[] args) throws IOException, ParseException {
    var model =
        GrpcClients.builder("http://127.0.0.1:" + args[0])
            .maxResponseLength(0)
            .responseTimeoutMillis(0)
            .writeTimeoutMillis(0)
            .build(GRPCInferenceServiceStub.class);
    var rule = HttpRule.newBuilder().setSelector(METHOD).setPost(PATH).setBody("*").build();
    var service =
        GrpcService.builder()
            .addService(new Gateway(model))
            .enableHttpJsonTranscoding(
                HttpJsonTranscodingOptions.builder().additionalHttpRules(rule).build())
            .maxRequestMessageLength(Integer.MAX_VALUE)
            .build();
    var builder = Server.builder().http(0).maxRequestLength(0).requestTimeoutMillis(0).service(service);
    if (args.length > 1) {
      addChain(builder, ChainConfig.read(Path.of(args[1])));
    }
    var server = builder.build();
    server.closeOnJvmShutdown();
    server.start().join();
    System.out.println(server.activeLocalPort());
  }

  private static void addChain(ServerBuilder builder, ChainConfig config)
      throws IOException, ParseException {
    builder.service("/ready", (context, request) -> HttpResponse.of("ok"));
    var authentication = new TokenAuthentication(config);
    var limit = new TaskLimit(config.tasks());
    builder.decorator(
        (delegate, context, request) -> {
          var refused = authentication.check(context, request);
          if (refused == null) {
            refused = limit.check(context, request);
          }
          return refused == null ? delegate.serve(context, request) : refused;
        });
    if (config.logFile() != null) {
      builder.accessLogWriter(new AccessLog(config.logFile()), true);
    }
  }
}
