package example;

import java.time.Duration;
import java.util.Map;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientProviderBuilder;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.security.core.Authentication;

/** A tax application on Spring Boot, and its API; ../README.md says what it answers. */
@SpringBootApplication
@RestController
public class App {

    private final String ownUrl;
    private final DefaultOAuth2AuthorizedClientManager renewing;

    public App(
            @Value("${OWN_URL}") String ownUrl,
            ClientRegistrationRepository registrations,
            OAuth2AuthorizedClientRepository clients) {
        this.ownUrl = ownUrl;
        this.renewing = new DefaultOAuth2AuthorizedClientManager(registrations, clients);
        // Spring renews a token that ends within a minute; here every token does.
        this.renewing.setAuthorizedClientProvider(OAuth2AuthorizedClientProviderBuilder.builder()
                .refreshToken(refresh -> refresh.clockSkew(Duration.ofDays(1)))
                .build());
    }

    public static void main(String[] arguments) {
        SpringApplication.run(App.class, arguments);
    }

    @GetMapping("/")
    Map<String, String> home() {
        return Map.of("library", "Spring Boot", "version", SpringBootVersion.getVersion());
    }

    @GetMapping("/me")
    Map<String, Object> me(@AuthenticationPrincipal OidcUser user) {
        return user.getIdToken().getClaims();
    }

    @GetMapping("/userinfo")
    Map<String, Object> userinfo(@AuthenticationPrincipal OidcUser user) {
        return user.getUserInfo().getClaims();
    }

    /** What the API says to the access token of whoever is signed in. */
    @GetMapping(value = "/ask", produces = "application/json")
    String ask(@RegisteredOAuth2AuthorizedClient("hufu") OAuth2AuthorizedClient client) {
        return RestClient.create(ownUrl).get().uri("/api/identity")
                .headers(headers -> headers.setBearerAuth(client.getAccessToken().getTokenValue()))
                .retrieve().body(String.class);
    }

    @GetMapping("/refresh")
    Map<String, Boolean> refresh(
            @RegisteredOAuth2AuthorizedClient("hufu") OAuth2AuthorizedClient client,
            Authentication user,
            HttpServletRequest request,
            HttpServletResponse response) {
        var renewed = renewing.authorize(OAuth2AuthorizeRequest.withAuthorizedClient(client)
                .principal(user)
                .attribute(HttpServletRequest.class.getName(), request)
                .attribute(HttpServletResponse.class.getName(), response)
                .build());
        var before = client.getAccessToken().getTokenValue();
        return Map.of("is_new", !renewed.getAccessToken().getTokenValue().equals(before));
    }

    /** An API: who may, and as whom, stands in the access token. */
    @GetMapping("/api/identity")
    Map<String, Object> identity(@AuthenticationPrincipal Jwt token) {
        return token.getClaims();
    }
}
