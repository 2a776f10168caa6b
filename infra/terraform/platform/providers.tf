# The cluster as terraform/cloud made it, reached through the tunnel (ADR 17).

data "terraform_remote_state" "cloud" {
  backend = "s3"
  config  = { bucket = var.state_bucket, key = "cloud/${var.environment}.tfstate", region = var.region }
}

data "aws_eks_cluster" "this" {
  name = local.cloud.cluster_name
}

locals {
  cloud         = data.terraform_remote_state.cloud.outputs
  values        = "${path.module}/values"
  charts        = "${path.module}/../../charts"
  observability = "${path.module}/../../../observability"
}

provider "aws" {
  region = var.region
}

provider "helm" {
  kubernetes = {
    host = "https://127.0.0.1:${var.tunnel_port}"
    # The certificate is the endpoint's, whatever the port that leads to it.
    tls_server_name        = trimprefix(local.cloud.cluster_endpoint, "https://")
    cluster_ca_certificate = base64decode(data.aws_eks_cluster.this.certificate_authority[0].data)
    exec = {
      api_version = "client.authentication.k8s.io/v1"
      command     = "aws"
      args        = ["eks", "get-token", "--cluster-name", local.cloud.cluster_name, "--region", var.region]
    }
  }
}
