// The Java client of the outgoing load. usage: java LoadClient.java PORT COUNT tcp|udp; as load_client.cpp.
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.Socket;

public class LoadClient {
    static void connect(String host, int port) throws IOException {
        try (var socket = new Socket(host, port)) {
            socket.getOutputStream().write('x');
            socket.getInputStream().readAllBytes();
        }
    }

    /// new DatagramSocket() binds to port 0 by itself; with null it is left to the first datagram.
    static void send(String host, int port) throws IOException {
        try (var socket = new DatagramSocket(null)) {
            socket.send(new DatagramPacket(new byte[] {'x'}, 1, InetAddress.getByName(host), port));
        }
    }

    public static void main(String[] arguments) {
        int port = Integer.parseInt(arguments[0]), count = Integer.parseInt(arguments[1]), succeeded = 0;
        for (int index = 0; index < count; index++) {
            String host = "127.0.1." + (1 + index % 250);
            try {
                if (arguments[2].equals("tcp")) connect(host, port); else send(host, port);
                succeeded++;
            } catch (IOException failure) {
                // Counted below.
            }
        }
        System.out.println(succeeded + " succeeded, " + (count - succeeded) + " failed");
    }
}
