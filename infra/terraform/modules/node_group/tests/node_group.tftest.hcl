mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name                     = "graviton"
  cluster_name             = "puntual-test"
  kubernetes_version       = "1.36"
  architecture             = "arm64"
  instance_types           = ["m7g.large", "c8gd.large"]
  size                     = { min = 3, desired = 3, max = 6 }
  subnet_ids               = ["subnet-1", "subnet-2", "subnet-3"]
  security_group_ids       = ["sg-1", "sg-2"]
  volume_key_arn           = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  instance_tags            = { environment = "test" }
  role_path                = "/puntual/"
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/puntual-delivery/puntual-boundary"
}

run "pods_cannot_reach_the_credentials_of_their_node" {
  command = plan

  assert {
    condition     = one(aws_launch_template.node.metadata_options).http_tokens == "required"
    error_message = "The metadata service must ask for a token."
  }
  assert {
    condition     = one(aws_launch_template.node.metadata_options).http_put_response_hop_limit == 1
    error_message = "A token must not reach a pod: one hop."
  }
}

run "volumes_are_encrypted_with_our_key_and_counted" {
  command = plan

  assert {
    condition = alltrue([
      for device in aws_launch_template.node.block_device_mappings :
      device.ebs[0].encrypted == "true" && device.ebs[0].kms_key_id == var.volume_key_arn
    ])
    error_message = "Both volumes must be encrypted with the key that was given."
  }
  assert {
    condition     = toset(aws_launch_template.node.tag_specifications[*].resource_type) == toset(["instance", "volume", "network-interface"])
    error_message = "What costs must carry the tags that costs are counted by."
  }
}

run "graviton_and_x86_are_a_setting" {
  command = plan

  variables {
    architecture   = "amd64"
    instance_types = ["m7i.large"]
  }

  assert {
    condition     = aws_eks_node_group.this.ami_type == "BOTTLEROCKET_x86_64"
    error_message = "x86 nodes need the image for x86."
  }
}

run "an_image_that_the_machine_cannot_run_is_refused" {
  command = plan

  variables {
    instance_types = ["m7g.large", "m7i.large"]
  }

  expect_failures = [var.instance_types]
}

run "more_nodes_wanted_than_allowed_are_refused" {
  command = plan

  variables {
    size = { min = 3, desired = 7, max = 6 }
  }

  expect_failures = [aws_eks_node_group.this]
}
