# Who may do what in the cluster. Whoever is not named here may do nothing, the creator of the cluster included.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  delivery_roles = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/puntual-delivery"

  access = merge(
    {
      # terraform/platform installs what needs the whole cluster: CRDs, cluster roles, namespaces.
      platform = {
        principal_arn = "${local.delivery_roles}/apply-${var.environment}"
        policy        = "AmazonEKSClusterAdminPolicy"
      }
      # A deploy works in the namespace of the service. What the policy doesn't know, objects of the Prometheus operator, the
      # group's own role in the chart's namespace allows.
      deploy = {
        principal_arn = "${local.delivery_roles}/deploy-${var.environment}"
        policy        = "AmazonEKSEditPolicy"
        namespaces    = [local.namespace]
        groups        = ["puntual:deploy"]
      }
    },
    { for arn in var.cluster_readers : "reader ${arn}" => { principal_arn = arn, policy = "AmazonEKSViewPolicy" } },
    { for arn in var.break_glass : "break glass ${arn}" => { principal_arn = arn, policy = "AmazonEKSClusterAdminPolicy" } },
  )

  # Namespace and service account of the service: the chart's.
  namespace       = "inference"
  service_account = "inference"
}
