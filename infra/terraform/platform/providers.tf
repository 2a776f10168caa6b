# The cluster as terraform/cloud made it, reached through the tunnel (ADR 17).

data "terraform_remote_state" "cloud" {
  backend = "s3"
  config  = { bucket = var.state_bucket, key = "cloud/${var.environment}.tfstate", region = var.region }
}

locals {
  cloud         = data.terraform_remote_state.cloud.outputs
  charts        = "${path.module}/../../charts"
  observability = "${path.module}/../../../observability"
}

provider "helm" {
  kubernetes = {
    host = "https://127.0.0.1:${var.tunnel_port}"
    # The certificate is the endpoint's, whatever the port that leads to it.
    tls_server_name        = trimprefix(local.cloud.cluster_endpoint, "https://")
    cluster_ca_certificate = base64decode(local.cloud.cluster_certificate_authority)
    exec = {
      api_version = "client.authentication.k8s.io/v1"
      command     = "aws"
      args        = ["eks", "get-token", "--cluster-name", local.cloud.cluster_name, "--region", var.region]
    }
  }
}
