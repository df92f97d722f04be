import static java.nio.charset.StandardCharsets.UTF_8;

import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Verifies requests, a line each, with the official library: "right", or why not. A line is the
 * secret, the body as Base64, then name and value of each header, all between tabs.
 */
class Verify {
    public static void main(String[] arguments) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(answer(line.split("\t", -1)));
        }
    }

    private static String answer(String[] request) throws Exception {
        String body = new String(Base64.getDecoder().decode(request[1]), UTF_8);
        Map<String, List<String>> headers = new HashMap<>();
        for (int at = 2; at < request.length; at += 2) {
            headers.put(request[at], List.of(request[at + 1]));
        }
        try {
            new Webhook(request[0]).verify(body, headers);
        } catch (WebhookVerificationException wrong) {
            return wrong.getMessage();
        }
        return "right";
    }
}
