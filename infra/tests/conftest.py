"""Asks the AWS on loopback that `cargo xtask e2e cloud` has started; its address is in AWS_ENDPOINT_URL."""

import os

import boto3
import pytest

ENVIRONMENT = "staging"
NAME = f"puntual-{ENVIRONMENT}"


@pytest.fixture(scope="session")
def aws():
    """A client for a service, by name; never anything but loopback."""
    assert os.environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:"), "these tests are for the emulator only"
    return boto3.client


@pytest.fixture(scope="session")
def vpc(aws):
    (vpc,) = aws("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [NAME]}])["Vpcs"]
    return vpc["VpcId"]
