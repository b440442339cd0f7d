# Builds with the image's own Rust: .dockerignore leaves out rust-toolchain.toml, which would fetch a second one.
FROM rust:1.95-bookworm AS build
WORKDIR /build

# The dependencies first, under an empty program: this layer is built again only when they change. .cargo/config.toml
# belongs to them, since it sets how the bundled SQLite is compiled.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
RUN mkdir src \
    && touch src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked

# Cargo goes by modification times, and those of a checkout may be older than the empty program's.
COPY . .
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked

FROM debian:bookworm-slim

# The certificates are for outgoing TLS, to PostgreSQL for one. OpenSSL is compiled in and would look elsewhere.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

COPY --from=build /build/target/release/briefwire /usr/local/bin/briefwire

# A new volume takes its owner from the directory in the image. The user is a number, so that an orchestrator can check
# that it is not root.
RUN install --directory --owner=10001 --group=10001 /data
USER 10001:10001
WORKDIR /data
VOLUME /data

ENV DATABASE_URL=sqlite:///data/briefwire.db \
    BRIEFWIRE_LISTEN=0.0.0.0:8080
EXPOSE 8080

# Ready means that the database answers. The check asks where BRIEFWIRE_LISTEN says, so change the port with that.
# The first start may migrate a large one, hence the long start period.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["briefwire", "health"]

# In exec form, so that SIGTERM reaches briefwire itself and it can finish what it is answering.
ENTRYPOINT ["briefwire"]
CMD ["serve"]
