# syntax=docker/dockerfile:1
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /build
RUN python -m venv /opt/cancel-conformance
ENV PATH=/opt/cancel-conformance/bin:$PATH
# The locked dependencies first: they change less often than the suite.
COPY constraints-extras.txt ./
RUN pip install --no-cache-dir --require-hashes -r constraints-extras.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="cancel-conformance" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/cancel-conformance /opt/cancel-conformance
ENV PATH=/opt/cancel-conformance/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
RUN useradd --create-home --uid 10001 tester && install -d -o tester -g tester /work
USER 10001
# Mount the code under test here; reports are written here too.
WORKDIR /work
ENTRYPOINT ["cancel-conformance"]
CMD ["--help"]
