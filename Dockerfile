# A hub in an image: docker build -t blockhub .

FROM rust:1.95-bookworm AS build
WORKDIR /src

# The dependencies, in a layer of their own: it is built again only if a manifest changes.
COPY Cargo.toml Cargo.lock build.rs ./
COPY histcheck/Cargo.toml histcheck/
COPY load/Cargo.toml load/
RUN mkdir -p src histcheck/src load/src \
    && echo 'fn main() {}' | tee src/main.rs histcheck/src/main.rs > load/src/main.rs \
    && touch src/lib.rs histcheck/src/lib.rs load/src/lib.rs \
    && cargo build --release --locked --package blockhub

# cargo goes by the time of files: those that stood in must look older.
COPY migrations migrations
COPY examples examples
COPY web/dist web/dist
COPY src src
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked --package blockhub

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/blockhub --create-home blockhub
COPY --from=build /src/target/release/blockhub /usr/local/bin/

USER blockhub
WORKDIR /var/lib/blockhub
# An open hub would refuse to: others can reach this address, so it needs a key.
ENV BLOCKHUB_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["blockhub", "health"]
ENTRYPOINT ["blockhub"]
