# What is done often. `just --list` shows it.

# Build, start and fill the demo
run *arguments:
    cargo run --release -- serve --demo {{arguments}}

# Run all tests; those on PostgreSQL when its server is on the machine
test *arguments:
    cargo test --locked {{arguments}}

# Check formatting and lints
lint:
    cargo fmt --all --check
    cargo clippy --all-targets --locked -- -D warnings

# Write openapi/openapi.json anew from the code
openapi:
    cargo build --locked
    # By way of another file: the program is built with the one that is there.
    cargo run --quiet --locked -- openapi > target/openapi.json
    mv target/openapi.json openapi/openapi.json

# Measure the speed of everything beside nginx, bare SQL and Datasette; takes hours
bench *arguments:
    bash benches/run.sh {{arguments}}

# Everything that must hold before a change lands
ci:
    bash .ci/run
