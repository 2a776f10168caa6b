# What runs beside the service. Versions are exact; what is ours in the values comes from observability/, as it was generated.

locals {
  releases = {
    kube-prometheus-stack = {
      repository = "https://prometheus-community.github.io/helm-charts"
      version    = "88.5.3"
      namespace  = "observability"
      values = [
        yamlencode({ alertmanager = { config = yamldecode(file("${local.observability}/alertmanager/alertmanager.yml")) } }),
        yamlencode(local.cloud.remote_write_url == null ? {} : {
          prometheus = { prometheusSpec = { remoteWrite = [{ url = local.cloud.remote_write_url, sigv4 = { region = var.region } }] } }
        }),
      ]
    }
    opentelemetry-collector = {
      repository = "https://open-telemetry.github.io/opentelemetry-helm-charts"
      version    = "0.170.0"
      namespace  = "observability"
      values     = [yamlencode({ alternateConfig = yamldecode(file("${local.observability}/collector/config.yaml")) })]
    }
    metrics-server = {
      repository = "https://kubernetes-sigs.github.io/metrics-server/"
      version    = "3.13.0"
      namespace  = "kube-system"
      values     = []
    }
    aws-load-balancer-controller = {
      repository = "https://aws.github.io/eks-charts"
      version    = "3.5.0"
      namespace  = "kube-system"
      # Said, as a pod can't ask the instance for them.
      values = [yamlencode({ clusterName = local.cloud.cluster_name, region = var.region, vpcId = local.cloud.vpc_id })]
    }
  }
}

resource "helm_release" "this" {
  for_each = local.releases

  name             = each.key
  repository       = each.value.repository
  chart            = each.key
  version          = each.value.version
  namespace        = each.value.namespace
  create_namespace = each.value.namespace != "kube-system"
  atomic           = true
  timeout          = 600
  values           = concat([file("${local.values}/${each.key}.yaml")], each.value.values)
}

# The first release; from then on a deploy promotes by digest, and Terraform leaves it alone.
resource "helm_release" "inference" {
  # Kinds that the chart has objects of.
  depends_on = [helm_release.this]

  name             = "inference"
  chart            = "${path.module}/../../charts/inference"
  namespace        = "inference"
  create_namespace = true
  values           = [file("${local.values}/inference.yaml"), yamlencode({ targetGroupArn = local.cloud.target_group_arn })]

  lifecycle {
    ignore_changes = [set, values, version]
  }
}
