# A node, or an operator of a cluster. Built and run on Debian 12, with the packages of scripts/packages.

FROM debian:12-slim AS build
COPY scripts/packages scripts/shared.sh /src/scripts/
RUN /src/scripts/shared.sh install build backports-build
COPY . /src
RUN cd /src && cmake --preset release && cmake --build build/release --target quorex

FROM debian:12-slim
COPY scripts/packages scripts/shared.sh /tmp/scripts/
RUN /tmp/scripts/shared.sh install run backports-run && rm -rf /tmp/scripts /var/lib/apt/lists/*
RUN useradd --system --uid 9000 --home-dir /var/lib/quorex --create-home quorex
# A new volume takes the owner of the folder it is mounted over.
RUN install -d -o quorex -g quorex /srv/chain /srv/chain/node-0 /srv/chain/node-1 /srv/chain/node-2 /srv/chain/node-3
COPY --from=build /src/build/release/quorex /usr/local/bin/quorex
COPY scripts/container /usr/local/bin/quorex-container
USER quorex
VOLUME /var/lib/quorex
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=5 \
    CMD ["curl", "-sf", "-o", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["/usr/local/bin/quorex-container"]
