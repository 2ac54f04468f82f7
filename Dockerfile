# The operator's image, built by `make image`: Python, the operator and what it imports, and nothing else: no shell, no package
# manager, no pip, no compiler. Nothing is fetched but what requirements/*.txt pin by hash.
# BASE is any Debian with Python 3.11 or later and its venv module; what the image needs of it is picked out of it.
# Secrets (both optional) carry a build machine's own package index and authorities: pip.conf and ca-certificates.
ARG BASE=python:3.13-slim

FROM ${BASE} AS dependencies
ENV PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/operator.txt requirements/operator-kms.txt requirements/
# 1 adds what a root key in a KMS takes.
ARG KMS=
# The tools stay in /build; /opt/venv has no pip.
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca-certificates \
    python3 -m venv /build && python3 -m venv --without-pip /opt/venv \
 && /build/bin/pip install --require-hashes -r requirements/build.txt \
 && /build/bin/pip --python /opt/venv/bin/python install --no-compile --only-binary :all: --require-hashes -r "requirements/operator${KMS:+-kms}.txt" \
 && find /opt/venv/bin /opt/venv/include -type f -delete
COPY scripts/image/inside/rootfs.py /build/
# The root file system is read-only in use: what is not compiled here would be compiled at every start. The Kubernetes client's
# thousand models and APIs are loaded one by one when something asks for them, and the operator asks for three: that saves 50 MB.
RUN /opt/venv/bin/python /build/rootfs.py /rootfs \
 && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
      -x 'kubernetes/(aio/)?client/(api|models)/(?!__init__|v1_(managed_fields_entry|object_meta|owner_reference)\.)' /opt/venv/lib \
 && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s /rootfs -p / /rootfs

FROM dependencies AS build
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY scripts/image/inside/sbom.py /build/
# Into a tree of its own, so that an edit of the operator changes one small layer only.
RUN /build/bin/python -m hatchling build --target wheel --directory /dist \
 && /build/bin/pip --python /opt/venv/bin/python install --no-compile --no-deps --no-index --prefix /operator /dist/*.whl \
 && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash -s /operator -p /opt/venv /operator/lib \
 && /build/bin/python /build/sbom.py --rootfs /rootfs --venv /opt/venv --product /operator >/sbom.cdx.json

# Only the list of parts: built with --target sbom --output dist
FROM scratch AS sbom
COPY --from=build /sbom.cdx.json /

FROM scratch
COPY --from=dependencies /rootfs /
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=build /sbom.cdx.json /
COPY --from=build /operator /opt/venv
ENV PATH=/opt/venv/bin LANG=C.UTF-8 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# By number: Kubernetes' runAsNonRoot cannot judge a name.
USER 65532:65532
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["sshcredential-operator", "run"]
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="sshcredential-operator" \
      org.opencontainers.image.description="Keeps SSH credentials on Kubernetes: generated or validated, encrypted with AES-256, never changed unasked." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
