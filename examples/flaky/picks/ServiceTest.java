import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A service for one test, on a port that was free a moment ago: `java ServiceTest.java`. */
public class ServiceTest {
    private static ServerSocket listening(int port) throws IOException {
        return new ServerSocket(port, 50, InetAddress.getByName("127.0.0.1"));
    }

    /** As Spring's TestSocketUtils does: listen on port 0, read the number, close. */
    private static int pickedPort() throws IOException {
        try (ServerSocket picked = listening(0)) {
            return picked.getLocalPort();
        }
    }

    /**
     * What another test starts meanwhile: endpoints on ports of the kernel's choice, a tenth of the quarter of its range
     * that it gives a socket with SO_REUSEADDR first.
     */
    private static List<ServerSocket> cluster() throws IOException {
        String[] range = Files.readAllLines(Path.of("/proc/sys/net/ipv4/ip_local_port_range")).get(0).split("\\s+");
        int count = (Integer.parseInt(range[1]) - Integer.parseInt(range[0]) + 1) / 40;
        List<ServerSocket> endpoints = new ArrayList<>();
        while (endpoints.size() < count) {
            endpoints.add(listening(0));
        }
        return endpoints;
    }

    private static void answerOne(ServerSocket service) {
        try (Socket client = service.accept()) {
            client.getOutputStream().write("hello".getBytes());
        } catch (IOException error) {
            throw new RuntimeException(error);
        }
    }

    public static void main(String[] words) throws Exception {
        int port = pickedPort();
        List<ServerSocket> endpoints = cluster();
        try (ServerSocket service = listening(port)) {
            new Thread(() -> answerOne(service)).start();
            try (Socket client = new Socket("127.0.0.1", port)) {
                String answer = new String(client.getInputStream().readAllBytes());
                if (!answer.equals("hello")) {
                    throw new AssertionError("the service said '" + answer + "'");
                }
            }
        }
        for (ServerSocket endpoint : endpoints) {
            endpoint.close();
        }
    }
}
