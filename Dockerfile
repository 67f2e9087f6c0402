# netplan as an image.
#   docker build -t netplan .
#   docker run --rm -v "$PWD:/work:ro" netplan validate lab.yaml
#   docker run --rm -v "$PWD:/work:ro" -v /var/run/docker.sock:/var/run/docker.sock \
#     --group-add "$(stat -c %g /var/run/docker.sock)" netplan plan lab.yaml
# BASE is any image with Python 3.11 or newer and pip; PIP_* are pip's own variables.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ARG PIP_INDEX_URL
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
WORKDIR /src
COPY . .
RUN python3 -m venv --without-pip /opt/netplan \
 && python3 -m pip --python /opt/netplan/bin/python install --no-cache-dir --disable-pip-version-check .

FROM ${BASE}
COPY --from=build /opt/netplan /opt/netplan
# Nobody: with the engine's socket comes what its group may do, and nothing else.
USER 65534:65534
ENV PATH=/opt/netplan/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp
WORKDIR /work
ENTRYPOINT ["netplan"]
CMD ["--help"]
