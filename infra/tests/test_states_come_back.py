"""What runbooks/states.md does, call by call. The plan that comes after it says whether Terraform agrees."""

import pytest

STATE = "cloud/staging.tfstate"


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(s3):
    (states,) = [one["Name"] for one in s3.list_buckets()["Buckets"] if "access" not in one["Name"]]
    return states


def read(s3, bucket):
    return s3.get_object(Bucket=bucket, Key=STATE)["Body"].read()


def of_state(s3, bucket, kind):
    """Versions or markers of the state, the newest first, without those of its lock."""
    listed = s3.list_object_versions(Bucket=bucket, Prefix=STATE)
    return [one for one in listed.get(kind, []) if one["Key"] == STATE]


def test_a_state_that_was_overwritten_is_put_back(s3, bucket):
    right = read(s3, bucket)
    s3.put_object(Bucket=bucket, Key=STATE, Body=b'{"version": 4, "resources": []}')

    wrong, before, *_ = of_state(s3, bucket, "Versions")
    assert wrong["IsLatest"]
    s3.copy_object(
        Bucket=bucket,
        Key=STATE,
        CopySource={"Bucket": bucket, "Key": STATE, "VersionId": before["VersionId"]},
    )
    assert read(s3, bucket) == right


def test_a_state_that_was_removed_is_back_without_its_marker(s3, bucket):
    right = read(s3, bucket)
    s3.delete_object(Bucket=bucket, Key=STATE)
    with pytest.raises(s3.exceptions.NoSuchKey):
        read(s3, bucket)

    (marker,) = [one for one in of_state(s3, bucket, "DeleteMarkers") if one["IsLatest"]]
    s3.delete_object(Bucket=bucket, Key=STATE, VersionId=marker["VersionId"])
    assert read(s3, bucket) == right
