#!/usr/bin/env bash
# Fetches Apache Kafka's jars from the Maven registry into a folder: tests/kafka_jars.sh FOLDER.
# With DRAINER_TEST_KAFKA_JARS=FOLDER outputs_test runs its tests of real brokers, which it starts
# itself; they need java. Needs mvn.
set -euo pipefail
folder=$(realpath -m "${1:?usage: tests/kafka_jars.sh FOLDER}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/pom.xml" <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>drainer</groupId><artifactId>kafka-jars</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>3.9.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder"
