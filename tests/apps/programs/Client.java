// Sends COUNT requests to PORT, a connection each. usage: java Client.java PORT COUNT
import java.net.URL;

public class Client {
    public static void main(String[] arguments) throws Exception {
        var url = new URL("http://127.0.0.1:" + arguments[0] + "/");
        for (int left = Integer.parseInt(arguments[1]); left > 0; left--) {
            try (var stream = url.openStream()) {
                stream.readAllBytes();
            }
        }
    }
}
